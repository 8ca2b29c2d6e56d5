package mapreduce

import (
	"os"
	"testing"
)

// scenarios are programs that this test binary plays: if the environment names one, TestMain runs
// that instead of the tests. The scenario's workers are the same binary again, and run it as far as
// Main or Init.
var scenarios = map[string]func(){}

const scenarioVariable = "MRRUN_TEST_SCENARIO"

func TestMain(m *testing.M) {
	if play := scenarios[os.Getenv(scenarioVariable)]; play != nil {
		play()
		os.Exit(0)
	}
	Init()
	os.Exit(m.Run())
}
