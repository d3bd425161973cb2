package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// Build builds a program as the Makefile does: that is what is delivered, and the compiler has
// seen all of it before. The error has what the compiler said.
func Build(ctx context.Context, to, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "disable_grpc_modules,timetzdata", "-o", to, pkg) //nolint:gosec // tests name them
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, said)
	}
	return nil
}
