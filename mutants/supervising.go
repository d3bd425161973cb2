package main

// supervising are mutants of what systemd is told.
func supervising() []mutant {
	return []mutant{
		{
			name: "sign of life although the worker is not alive", file: "internal/worker/supervisor.go",
			old: "err := s.alive(ended); err == nil {", now: "err := s.alive(ended); err == nil || s.every > 0 {",
			pkg: workers, test: "TestSupervisorGetsNoSignOfDeath",
		},
		{
			name: "no sign of life while the worker stops", file: "internal/worker/supervisor.go",
			old: "case <-ended.Done():\n\t\t\treturn", now: "case <-stopping.Done():\n\t\t\treturn",
			pkg: workers, test: "TestSupervisorGetsSignsOfLife",
		},
		{
			name: "ends before systemd is told that it stops", file: "internal/worker/supervisor.go",
			old: "\t\t\t<-told\n", now: "",
			pkg: workers, test: "TestSupervisorIsToldOfAQuickStop",
		},
	}
}
