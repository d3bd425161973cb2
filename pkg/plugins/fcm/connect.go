package fcm

import (
	"errors"
	"fmt"
	"os"
)

var errNoProject = errors.New(`key "project_id" is missing and the credentials name no project: set it`)

// sending is what a sender needs of the config. The credentials file is read only
// to learn the project's id when nothing else says it.
func (c *Config) sending() (sending, error) {
	s := sending{
		project: c.ProjectID, endpoint: c.Endpoint, netHTTP: c.Transport == transportNetHTTP, key: c.Credentials, dryRun: c.DryRun,
		inFlight: c.MaxInFlight, perSecond: c.PerSecond, ramp: c.Ramp,
	}
	if len(s.key) == 0 {
		s.file = c.CredentialsFile
	}
	if s.project != "" {
		return s, nil
	}
	key, err := os.ReadFile(s.file)
	if err != nil {
		return s, fmt.Errorf(`read key "credentials_file" for the project's id: put the service account's key there, or set "project_id": %w`, err)
	}
	a, err := parseAccount(key)
	if err != nil {
		return s, fmt.Errorf(`read key "credentials_file" for the project's id: %w`, err)
	}
	if s.project = a.ProjectID; s.project == "" {
		return s, errNoProject
	}
	return s, nil
}
