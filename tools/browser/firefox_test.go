package browser_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// preferences are those of a browser that a test starts: it takes pushes from where the test says,
// asks its user nothing, and speaks to nobody else.
var preferences = map[string]any{
	"dom.push.testing.allowInsecureServerURL":  true,
	"dom.push.retryBaseInterval":               100,
	"dom.push.pingInterval":                    5000, // in ms; it is also the longest pause before a retry
	"dom.push.requestTimeout":                  120000,
	"permissions.default.desktop-notification": 1,
	"alerts.useSystemBackend":                  false, // there is no desktop
	"network.manage-offline-status":            false, // a machine without a network is not offline

	"app.normandy.enabled":                                        false,
	"app.update.disabledForTesting":                               true,
	"browser.aboutwelcome.enabled":                                false,
	"browser.discovery.enabled":                                   false,
	"browser.ml.enable":                                           false,
	"browser.newtabpage.enabled":                                  false,
	"browser.region.network.url":                                  "",
	"browser.region.update.enabled":                               false,
	"browser.safebrowsing.blockedURIs.enabled":                    false,
	"browser.safebrowsing.downloads.enabled":                      false,
	"browser.safebrowsing.downloads.remote.enabled":               false,
	"browser.safebrowsing.malware.enabled":                        false,
	"browser.safebrowsing.phishing.enabled":                       false,
	"browser.search.update":                                       false,
	"browser.shell.checkDefaultBrowser":                           false,
	"browser.startup.homepage_override.mstone":                    "ignore",
	"browser.topsites.contile.enabled":                            false,
	"browser.translations.enable":                                 false,
	"datareporting.healthreport.uploadEnabled":                    false,
	"datareporting.policy.dataSubmissionEnabled":                  false,
	"datareporting.policy.dataSubmissionPolicyBypassNotification": true,
	"datareporting.usage.uploadEnabled":                           false,
	"dom.ipc.processPriorityManager.enabled":                      false,
	"extensions.getAddons.cache.enabled":                          false,
	"extensions.systemAddon.update.enabled":                       false,
	"extensions.update.enabled":                                   false,
	"geo.enabled":                                                 false,
	"media.gmp-manager.url":                                       "",
	"media.gmp-manager.updateEnabled":                             false,
	"messaging-system.rsexperimentloader.enabled":                 false,
	"network.captive-portal-service.enabled":                      false,
	"network.connectivity-service.enabled":                        false,
	"network.dns.disablePrefetch":                                 true,
	"network.prefetch-next":                                       false,
	"network.trr.mode":                                            5, // no DNS over HTTPS
	"security.remote_settings.crlite_filters.enabled":             false,
	"security.remote_settings.intermediates.enabled":              false,
	"services.settings.server":                                    "data:,#remote-settings-dummy/v1",
	"startup.homepage_welcome_url":                                "about:blank",
	"termsofuse.bypassNotification":                               true,
	"toolkit.telemetry.server":                                    "data:,",
	"toolkit.telemetry.unified":                                   false,
}

// needFirefox is the path of Firefox. Without it the test fails: whoever runs it wants just that.
func needFirefox(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"firefox-esr", "firefox"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("this test needs Firefox: apt-get install firefox-esr")
	return ""
}

// startFirefox opens page in a Firefox of its own, which takes pushes from service, until the test ends.
func startFirefox(t *testing.T, page, service string) {
	t.Helper()
	home, err := os.MkdirTemp("", "pushworker-browser-") //nolint:usetesting // TempDir would fail while a killed process still writes
	if err != nil {
		t.Fatal(err)
	}
	profile, output := filepath.Join(home, "profile"), filepath.Join(home, "output")
	if err := os.Mkdir(profile, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(profile, "user.js"), userPreferences(t, service))
	log, err := os.Create(output)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(needFirefox(t), "--headless", "--no-remote", "--profile", profile, page)
	cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "MOZ_CRASHREPORTER_DISABLE=1", "MOZ_REMOTE_SETTINGS_DEVTOOLS=1"}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with all of its processes
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		if text, err := os.ReadFile(output); err == nil && t.Failed() {
			t.Logf("firefox:\n%s", text[max(0, len(text)-3000):])
		}
		eventually(t, "the profile is removed", func() bool { return os.RemoveAll(home) == nil })
	})
}

// userPreferences are the preferences as a file of the profile.
func userPreferences(t *testing.T, service string) string {
	t.Helper()
	proxy := outside(t)
	host, port, _ := strings.Cut(proxy, ":")
	var text strings.Builder
	put := func(name string, value any) {
		v, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(`user_pref("` + name + `", ` + string(v) + ");\n")
	}
	for name, value := range preferences {
		put(name, value)
	}
	put("dom.push.serverURL", strings.Replace(service, "http:", "ws:", 1)+"/")
	put("network.proxy.type", 1)
	for _, scheme := range []string{"http", "ssl"} {
		put("network.proxy."+scheme, host)
		put("network.proxy."+scheme+"_port", json.Number(port))
	}
	return text.String()
}

// outside is the address of a proxy that refuses everything. Firefox sends it what is for another
// machine: so nothing gets there, and the test's log shows what a preference does not switch off.
func outside(t *testing.T) string {
	t.Helper()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Logf("the browser wants to speak to %s", r.Host)
		http.Error(w, "refused", http.StatusForbidden)
	}))
	t.Cleanup(proxy.Close)
	return proxy.Listener.Addr().String()
}

// eventually waits until what is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); !so(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("after %v: not yet: %s", patience, what)
		}
	}
}
