package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mrrun/mapreduce"
)

// playVariable makes the test binary a program with one job, whose pieces do what they are told.
const playVariable = "JOBS_TEST_PLAY"

// A scene is a piece of the job.
type scene struct {
	N     int
	Do    string
	Sleep time.Duration
}

var act = mapreduce.FuncContext(play)

func play(ctx context.Context, s scene) (int, error) {
	mapreduce.Report(ctx, 3, 4)
	switch {
	case s.Do == "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case s.Do == "once" && mapreduce.CurrentWorker(ctx).Attempt == 1:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case s.Do == "exit":
		fmt.Fprintln(os.Stderr, "I am leaving")
		os.Exit(9)
	case s.Do == "panic":
		panic("stage fright")
	case s.Do == "error":
		return 0, fmt.Errorf("scene %d is bad", s.N)
	case s.Do == "hang":
		for {
			time.Sleep(time.Millisecond)
		}
	case s.Do == "eat":
		return eat(), nil
	case strings.HasPrefix(s.Do, "bad"):
		time.Sleep(s.Sleep)
		return 0, errors.New("I cannot do \"" + s.Do + "\"")
	case s.Do == "print":
		fmt.Println("\x1b[31mred\x1b[2J\x07 and \x9b0m")
	case strings.HasPrefix(s.Do, "sleep"):
		d, err := time.ParseDuration(strings.TrimPrefix(s.Do, "sleep"))
		if err != nil {
			return 0, err
		}
		time.Sleep(d)
	}
	time.Sleep(s.Sleep)
	return s.N, nil
}

func eat() int {
	var all [][]byte
	for {
		all = append(all, slices.Repeat([]byte{1}, 1<<20))
		if len(all) == 1<<20 {
			return 0
		}
	}
}

// A playbill says what pieces there are.
type playbill struct {
	pieces  int64
	sleep   time.Duration
	do      string        // such as 3=kill,4=print
	between time.Duration // that the input waits before each piece
	after   time.Duration // that the job works after the last piece
	sum     int
}

func (p *playbill) Split(context.Context, []string) (Pieces[scene], error) {
	does := make(map[int]string)
	for _, one := range strings.Split(p.do, ",") {
		n, do, _ := strings.Cut(one, "=")
		if i, err := strconv.Atoi(n); err == nil {
			does[i] = do
		}
	}
	return Pieces[scene]{Count: int(p.pieces), All: func(yield func(scene) bool) {
		for i := range int(p.pieces) {
			time.Sleep(p.between)
			if !yield(scene{i + 1, does[i+1], p.sleep}) {
				return
			}
		}
	}}, nil
}

func (p *playbill) Add(n int) error { p.sum += n; return nil }
func (p *playbill) Result() any     { return p.sum }
func (p *playbill) Finish() error   { time.Sleep(p.after); return nil }

func registerPlay() {
	Register(Command{Name: "play", Summary: "Play scenes.", Example: "--pieces 3", New: func(f *Flags) Work {
		p := &playbill{pieces: 10}
		f.Count(&p.pieces, "pieces", "", 1, 1e6, "how many")
		f.Duration(&p.sleep, "sleep", "how long each takes")
		f.Duration(&p.between, "between", "how long the input waits before each")
		f.Duration(&p.after, "after", "how long the job works after the last")
		f.String(&p.do, "do", "LIST", "what they do")
		return Fold(act, p)
	}})
}
