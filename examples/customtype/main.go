// Command customtype keeps an object of a type of its own on a manager: through a proxy, workers
// call its methods, and get a field that the driver has set.
//
// In Python it is a BaseManager with register("Thermometer", Thermometer), and for the field a
// NamespaceProxy.
package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"mrrun/mapreduce"
	"mrrun/mapreduce/manager"
)

// A Thermometer has readings. The manager calls its methods from many goroutines at the same time,
// and locks it to get and set Unit.
type Thermometer struct {
	sync.Mutex
	Unit     string
	readings []float64
}

// Add adds a reading.
func (t *Thermometer) Add(reading float64) {
	t.Lock()
	defer t.Unlock()
	t.readings = append(t.readings, reading)
}

// Mean returns the mean of all readings. The caller gets a method's error.
func (t *Thermometer) Mean() (float64, error) {
	t.Lock()
	defer t.Unlock()
	if len(t.readings) == 0 {
		return 0, errors.New("there is no reading yet")
	}
	sum := 0.0
	for _, r := range t.readings {
		sum += r
	}
	return sum / float64(len(t.readings)), nil
}

var thermometers = manager.Register("thermometer", func() *Thermometer { return &Thermometer{Unit: "°C"} })

type measurement struct {
	Celsius     float64
	Thermometer *manager.Object[*Thermometer] // a proxy
}

// measure returns the reading that it added, in the thermometer's unit.
var measure = mapreduce.FuncContext(func(ctx context.Context, m measurement) (float64, error) {
	unit, err := manager.Call[string](ctx, m.Thermometer, "Get", "Unit")
	if err != nil {
		return 0, err
	}
	reading := m.Celsius
	if unit == "°F" {
		reading = reading*9/5 + 32
	}
	_, err = manager.Call[struct{}](ctx, m.Thermometer, "Add", reading)
	return reading, err
})

func main() {
	mapreduce.Main(func(ctx context.Context) error {
		m, err := manager.Start(ctx)
		if err != nil {
			return err
		}
		defer m.Close()
		t, err := thermometers.New(ctx, m)
		if err != nil {
			return err
		}
		pool, err := mapreduce.NewPool(ctx, mapreduce.Procs(3))
		if err != nil {
			return err
		}
		defer pool.Close()

		_, err = manager.Call[float64](ctx, t, "Mean")
		fmt.Println("at first:", err)
		if _, err := manager.Call[struct{}](ctx, t, "Set", "Unit", "°F"); err != nil {
			return err
		}
		readings, err := measure.Map(ctx, pool, []measurement{{0, t}, {10, t}, {20, t}})
		if err != nil {
			return err
		}
		mean, err := manager.Call[float64](ctx, t, "Mean")
		fmt.Println("readings:", readings, "mean:", mean)
		return err
	})
}

// Output:
// at first: manager: Mean: there is no reading yet
// readings: [32 50 68] mean: 50
