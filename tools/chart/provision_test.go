package chart_test

import (
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
)

// The Job is hardened like a worker, is none that the Service finds, logs in as another
// user, and does not run for ever.
func TestProvisionJob(t *testing.T) {
	t.Parallel()
	r := render(t, full()...)
	job := r.jobs[0]
	pod := job.Spec.Template.Spec
	c := pod.Containers[0]
	if !slices.Equal(c.Args, []string{"provision"}) || c.Image != r.deploys[0].Spec.Template.Spec.Containers[0].Image {
		t.Errorf("it runs %s %v", c.Image, c.Args)
	}
	if !*pod.SecurityContext.RunAsNonRoot || !*c.SecurityContext.ReadOnlyRootFilesystem || *pod.AutomountServiceAccountToken || c.Resources.Limits.Memory().IsZero() {
		t.Error("it is not hardened")
	}
	if job.Spec.BackoffLimit == nil || job.Spec.TTLSecondsAfterFinished == nil || pod.RestartPolicy != core.RestartPolicyOnFailure {
		t.Errorf("it does not end: %+v", job.Spec)
	}
	if !strings.HasSuffix(job.Name, "-1") {
		t.Errorf("its name %s is not the revision's: Kubernetes does not change a Job", job.Name)
	}
	if matches(r.services[0].Spec.Selector, job.Spec.Template.Labels) {
		t.Error("the Service sends metrics' readers to it")
	}
	if user := variable(t, c, "PUSHWORKER_NATS_USER"); user != "provisioner" {
		t.Errorf("it logs in as %s", user)
	}
	for _, v := range pod.Volumes {
		if v.Name == "variables" {
			for _, s := range v.Projected.Sources {
				if s.Secret.Items[0].Path == "PUSHWORKER_NATS_PASSWORD" && s.Secret.Name != "nats-provisioner" {
					t.Errorf("its password is from %s", s.Secret.Name)
				}
			}
		}
	}
}

// The statements come from the values, or from a ConfigMap or Secret that exists.
func TestDirectoryQueries(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"text":      {"--set", "directoryQueries.sql=select 1"},
		"configMap": {"--set", "directoryQueries.configMap=ours,directoryQueries.key=a.sql"},
		"secret":    {"--set", "directoryQueries.secret=ours,directoryQueries.key=a.sql"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := render(t, args...)
			pod := r.deploys[0].Spec.Template.Spec
			if at := variable(t, pod.Containers[0], "PUSHWORKER_DIRECTORY_QUERIES"); at != "/etc/pushworker/directory/queries.sql" {
				t.Errorf("PUSHWORKER_DIRECTORY_QUERIES is %s", at)
			}
			i := slices.IndexFunc(pod.Volumes, func(v core.Volume) bool { return v.Name == "directory" })
			if i < 0 {
				t.Fatal("nothing is mounted")
			}
			var from string
			var items []core.KeyToPath
			switch v := pod.Volumes[i]; {
			case v.ConfigMap != nil:
				from, items = "configMap "+v.ConfigMap.Name, v.ConfigMap.Items
			case v.Secret != nil:
				from, items = "secret "+v.Secret.SecretName, v.Secret.Items
			}
			want := map[string]string{"text": "configMap push-pushworker-directory", "configMap": "configMap ours", "secret": "secret ours"}[name]
			if from != want || len(items) != 1 || items[0].Path != "queries.sql" {
				t.Errorf("mounted is %s, %v; want %s", from, items, want)
			}
			if name == "text" && configMap(t, r, "push-pushworker-directory").Data["queries.sql"] != "select 1" {
				t.Error("the ConfigMap does not have the text")
			}
		})
	}
	if _, set := maybe(render(t).deploys[0].Spec.Template.Spec.Containers[0], "PUSHWORKER_DIRECTORY_QUERIES"); set {
		t.Error("without statements the variable is set")
	}
}

// maybe is the value of a variable, if the container sets it.
func maybe(c core.Container, name string) (string, bool) {
	for _, v := range c.Env {
		if v.Name == name {
			return v.Value, true
		}
	}
	return "", false
}
