package mapreduce

import (
	"bytes"
	"fmt"
	"io"
	"runtime/pprof"
	"time"

	"mrrun/transport"
)

// profile makes a profile at the request of the driver and sends it. It runs beside the tasks.
func (w *worker) profile(tag uint32, kind string, d time.Duration) {
	var data bytes.Buffer
	text := ""
	if err := writeProfile(&data, kind, d); err != nil {
		text = err.Error()
	}
	_, err := w.out.Add(kindProfiled, tag, func(out *transport.Encoder) error {
		out.String(text)
		_, err := out.Write(data.Bytes())
		return err
	})
	if err == nil {
		w.flusher.Later()
	}
}

func writeProfile(w io.Writer, kind string, d time.Duration) error {
	if kind != "cpu" {
		profile := pprof.Lookup(kind)
		if profile == nil {
			return fmt.Errorf("no profile %q: kinds are cpu, heap, goroutine, allocs, block, mutex or threadcreate", kind)
		}
		return profile.WriteTo(w, 0)
	}
	if err := pprof.StartCPUProfile(w); err != nil {
		return err
	}
	time.Sleep(d) // the length of the profile
	pprof.StopCPUProfile()
	return nil
}
