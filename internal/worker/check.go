package worker

// Check finds what is wrong with the handlers' own configuration, which only they
// know: it configures and stops them, and touches nothing else. The error wraps
// [ErrHandlers].
func (w Worker) Check() error {
	hs, err := w.handlers(&lateDirectory{})
	if err == nil {
		hs.registry.Stop()
	}
	return err
}
