package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// Build builds programs into dir as the Makefile does: that is what is delivered, and the compiler
// has seen all of it before. The error has what the compiler said.
func Build(ctx context.Context, dir string, pkgs ...string) error {
	args := []string{"build", "-trimpath", "-tags", "disable_grpc_modules,timetzdata", "-o", dir + string(os.PathSeparator)}
	cmd := exec.CommandContext(ctx, "go", append(args, pkgs...)...) //nolint:gosec // tests name them
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %q: %w\n%s", pkgs, err, said)
	}
	return nil
}
