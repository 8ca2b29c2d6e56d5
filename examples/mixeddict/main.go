// Command mixeddict starts a process that fills a dict with keys and values of many types, and
// reverses a list; a manager keeps both. What arrives is what was sent: 1 is not "1", and not 1.0.
//
// In Python it is d[1] = '1'; d['2'] = 2; d[0.25] = None; l.reverse() on a manager.dict() and a
// manager.list(range(10)).
package main

import (
	"context"
	"fmt"

	"mrrun/mapreduce"
	"mrrun/mapreduce/manager"
)

type shelf struct {
	Dict *manager.Dict[any, any]
	List *manager.List[int]
}

// fill returns how many keys the dict has afterwards.
var fill = mapreduce.FuncContext(func(ctx context.Context, s shelf) (int, error) {
	for _, item := range [][2]any{{1, "1"}, {"2", 2}, {0.25, nil}} {
		if err := s.Dict.Set(ctx, item[0], item[1]); err != nil {
			return 0, err
		}
	}
	if err := s.List.Reverse(ctx); err != nil {
		return 0, err
	}
	return s.Dict.Len(ctx)
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		m, err := manager.Start(ctx)
		if err != nil {
			return err
		}
		defer m.Close()
		dict, err := manager.NewDict[any, any](ctx, m)
		if err != nil {
			return err
		}
		list, err := manager.NewList(ctx, m, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
		if err != nil {
			return err
		}
		p, err := fill.Start(ctx, shelf{dict, list})
		if err != nil {
			return err
		}
		if _, err := p.Wait(); err != nil {
			return err
		}
		for _, k := range []any{1, "2", 0.25, "1", 1.0} {
			v, found, err := dict.Get(ctx, k)
			if err != nil {
				return err
			}
			if found {
				fmt.Printf("%T %v: %T %v\n", k, k, v, v)
			} else {
				fmt.Printf("%T %v is not there\n", k, k)
			}
		}
		reversed, err := list.All(ctx)
		fmt.Println(reversed)
		return err
	})
}

// Output:
// int 1: string 1
// string 2: int 2
// float64 0.25: <nil> <nil>
// string 1 is not there
// float64 1 is not there
// [9 8 7 6 5 4 3 2 1 0]
