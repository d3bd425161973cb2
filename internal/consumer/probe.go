package consumer

import "github.com/pushworker/pushworker/pkg/push"

// verdict is what an outcome tells the breaker whose probe d is. A receipt that
// needed nothing, such as one to users without devices, was delivered without
// asking the provider, and must not pass for its recovery.
func (d *delivery) verdict(err error) error {
	if err != nil {
		return err
	}
	if told, ok := d.receipt.Tallied(); ok && told == (push.Targets{Skipped: told.Skipped}) {
		return errNoVerdict
	}
	return nil
}
