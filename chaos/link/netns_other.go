//go:build !linux

package link

import (
	"context"
	"errors"
	"fmt"
)

// Namespaces returns an error: only Linux has them.
func Namespaces(context.Context) (Net, error) {
	return nil, fmt.Errorf("make network namespaces: %w: they need Linux", errors.ErrUnsupported)
}
