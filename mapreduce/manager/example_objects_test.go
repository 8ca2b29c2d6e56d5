package manager_test

import (
	"context"
	"errors"
	"fmt"

	"mrrun/mapreduce/manager"
)

func ExampleList() {
	with(func(ctx context.Context, m *manager.Manager) {
		l := must(manager.NewList(ctx, m, []int{1, 2}))
		fmt.Println(l.Append(ctx, 3), l.Reverse(ctx))
		fmt.Println(l.All(ctx))
		fmt.Println(l.Pop(ctx, -1))
	})
	// Output:
	// <nil> <nil>
	// [3 2 1] <nil>
	// 1 <nil>
}

func ExampleArray() {
	with(func(ctx context.Context, m *manager.Manager) {
		a := must(manager.NewArray[float64](ctx, m, 3))
		must(a.Add(ctx, 1, 0.5))
		fmt.Println(a.Slice(ctx, 0, 3))
	})
	// Output: [0 0.5 0] <nil>
}

func ExampleValue() {
	with(func(ctx context.Context, m *manager.Manager) {
		v := must(manager.NewValue(ctx, m, 40))
		must(v.Add(ctx, 1))
		fmt.Println(v.CompareAndSwap(ctx, 41, 42))
		fmt.Println(v.Load(ctx))
	})
	// Output:
	// true <nil>
	// 42 <nil>
}

func ExampleNamespace() {
	with(func(ctx context.Context, m *manager.Manager) {
		n := must(manager.NewNamespace(ctx, m))
		fmt.Println(n.Set(ctx, "name", "ann"), n.Set(ctx, "age", 40))
		fmt.Println(n.Get(ctx, "age"))
	})
	// Output:
	// <nil> <nil>
	// 40 true <nil>
}

var louder = manager.UpdateFunc("louder", func(old string, _ bool) string { return old + "!" })

// An Updater runs in the manager, so no other call comes between reading and writing the value.
func ExampleUpdater() {
	with(func(ctx context.Context, m *manager.Manager) {
		d := must(manager.NewDict[string, string](ctx, m))
		fmt.Println(d.Set(ctx, "cry", "hey"))
		fmt.Println(d.Update(ctx, "cry", louder))
	})
	// Output:
	// <nil>
	// hey! <nil>
}

// An Object is a value of a type of the program's own; its Type makes it.
func ExampleObject() {
	with(func(ctx context.Context, m *manager.Manager) {
		var g *manager.Object[*Greeter] = must(greeters.New(ctx, m, manager.Named("the greeter")))
		same := must(greeters.New(ctx, m, manager.Named("the greeter")))
		must(manager.Call[struct{}](ctx, g, "Set", "Greeting", "hi"))
		fmt.Println(manager.Call[string](ctx, same, "Greet", "ann"))
	})
	// Output: hi, ann <nil>
}

func ExampleCallError() {
	with(func(ctx context.Context, m *manager.Manager) {
		l := must(manager.NewList(ctx, m, []int{1, 2}))
		_, err := l.Get(ctx, 5)
		failed, ok := errors.AsType[*manager.CallError](err)
		fmt.Println(ok, failed.Method, errors.Is(err, manager.ErrIndex))
	})
	// Output: true List.Get true
}

// A Server serves in this process; clients use it through a Client.
func ExampleServer() {
	ctx, stop := context.WithCancel(context.Background())
	l := must(manager.ListenLocal())
	served := make(chan error)
	go func() { served <- manager.NewServer().Serve(ctx, l) }()

	client := must(manager.Dial(ctx, manager.Address(l)))
	d := must(manager.NewDict[string, int](ctx, client))
	fmt.Println(d.Add(ctx, "n", 1))
	fmt.Println(client.Close())
	stop()
	fmt.Println(<-served)
	// Output:
	// 1 <nil>
	// <nil>
	// <nil>
}
