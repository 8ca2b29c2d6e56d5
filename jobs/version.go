package jobs

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// Version is the version of mrrun.
const Version = "0.1.0"

// module is the module that this package belongs to.
const module = "mrrun"

// printVersion writes the version of the program, and of mrrun if that is another one, with the
// commit of the program's source where the build has recorded it.
func printVersion(out io.Writer) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	_, err := fmt.Fprintf(out, "%s %s/%s\n", versionText(program, info), runtime.GOOS, runtime.GOARCH)
	return err
}

func versionText(program string, info *debug.BuildInfo) string {
	text := program + " " + Version
	if info.Main.Path != module && info.Main.Path != "" {
		text = fmt.Sprintf("%s %s, of mrrun %s", program, info.Main.Version, Version)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if commit := settings["vcs.revision"]; commit != "" {
		text += " (commit " + commit[:min(12, len(commit))]
		if settings["vcs.modified"] == "true" {
			text += ", modified"
		}
		text += ")"
	}
	return text + " " + runtime.Version()
}
