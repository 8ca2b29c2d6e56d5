package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A run that loses workers logs each loss, and reports their number at its end; --quiet keeps only
// the number.
func TestLostWorkersAreTold(t *testing.T) {
	const line = "killed by SIGKILL (pid "
	for _, quiet := range []bool{false, true} {
		t.Run(fmt.Sprintf("quiet %v", quiet), func(t *testing.T) {
			d := startDriver(t, "pi", "-n", "1e11", "-procs", "2", "--json", fmt.Sprintf("--quiet=%v", quiet))
			for range 3 {
				killBusy(t, d.workers(t, 2)[0])
			}
			d.endWithin(t, 5*time.Minute)
			var got struct{ Lost, Retried int }
			if err := json.Unmarshal(d.stdout.Bytes(), &got); err != nil {
				t.Fatalf("%v: %s, %s", err, &d.stdout, &d.stderr)
			}
			stderr := d.stderr.String()
			if quiet {
				if got.Lost != 3 || stderr != "" {
					t.Errorf("%+v, %s", got, stderr)
				}
				return
			}
			end := "3 workers lost, "
			if got.Lost != 3 || got.Retried > 3 || strings.Count(stderr, line) != 3 || !strings.Contains(stderr, end) {
				t.Errorf("%+v, %s", got, stderr)
			}
		})
	}
}

// killBusy kills a worker that has begun to work, and returns when it is gone.
func killBusy(t *testing.T, pid int) {
	t.Helper()
	used := func() (hundredths int) { // of a second of user time
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, numbers, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(numbers); len(fields) > 11 {
			hundredths, _ = strconv.Atoi(fields[11])
		}
		return hundredths
	}
	if !within(10*time.Second, func() bool { return used() > 10 }) {
		t.Fatalf("worker %d does not work", pid)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if !within(10*time.Second, func() bool { return syscall.Kill(pid, 0) != nil }) {
		t.Fatalf("%d is still there", pid)
	}
}
