package app

import (
	"cmp"
	"runtime"
	"runtime/debug"
)

// Build says what this binary was made from.
type Build struct {
	Version string `json:"version"`
	// Commit and Time are of the version control system; empty when unknown.
	Commit string `json:"commit,omitempty"`
	Time   string `json:"time,omitempty"`
	// Modified says that the files differed from the commit.
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// BuildInfo is what the linker and the compiler have noted.
func BuildInfo(version string) Build {
	b := Build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.Version = cmp.Or(b.Version, info.Main.Version)
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Time = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	b.Version = cmp.Or(b.Version, "(devel)")
	return b
}

// String is one line for a human.
func (b Build) String() string {
	s := b.Version
	if b.Commit != "" {
		s += " commit " + b.Commit[:min(len(b.Commit), 12)]
	}
	if b.Modified {
		s += " (modified)"
	}
	return s + " " + b.Go + " " + b.Platform
}
