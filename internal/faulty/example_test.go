package faulty_test

import (
	"fmt"
	"io"
	"strings"

	"mrrun/internal/faulty"
)

func ExamplePlan() {
	for n := 1; ; n++ {
		plan := faulty.NewPlan(n, faulty.Fail)
		_, err := io.ReadAll(plan.Reader(strings.NewReader("hello")))
		if !plan.Fired() {
			break // there are fewer than n operations
		}
		fmt.Println(n, err)
	}
	// Output:
	// 1 injected fault
	// 2 injected fault
}

func ExampleFault() {
	fmt.Println(faulty.Cut)
	// Output: cut
}
