package line

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// tunnel is dial through an HTTP proxy (RFC 9110, section 9.3.6), whose connections then
// are the peer's. It is false for a proxy of another kind.
func tunnel(proxy *url.URL, dial Dialer) (Dialer, bool) {
	ports := map[string]string{"http": "80", "https": "443"}
	port, ok := ports[proxy.Scheme]
	if !ok {
		return nil, false
	}
	at := net.JoinHostPort(proxy.Hostname(), cmp.Or(proxy.Port(), port))
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		raw, err := dial(ctx, network, at)
		if err != nil {
			return nil, fmt.Errorf("connect to the proxy: %w", err)
		}
		defer context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })()
		c := raw
		if proxy.Scheme == "https" {
			c = tls.Client(c, &tls.Config{ServerName: proxy.Hostname(), MinVersion: tls.VersionTLS12})
		}
		if err := connectTo(c, addr, proxy.User); err != nil {
			_ = c.Close()
			return nil, fmt.Errorf("connect through the proxy: %w", cmp.Or(context.Cause(ctx), err))
		}
		return c, nil
	}, true
}

// connectTo asks the proxy at the other end of c for a tunnel to addr.
func connectTo(c net.Conn, addr string, as *url.Userinfo) error {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: make(http.Header)}
	if as != nil {
		password, _ := as.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(as.Username()+":"+password)))
	}
	if err := req.Write(c); err != nil {
		return err //nolint:wrapcheck // tunnel says what was done
	}
	source := bufio.NewReader(c)
	resp, err := http.ReadResponse(source, req)
	switch {
	case err != nil:
		return err //nolint:wrapcheck // as above
	case resp.StatusCode != http.StatusOK:
		_ = resp.Body.Close()
		return fmt.Errorf("it answered %d: check its settings, and the user and password in the environment", resp.StatusCode)
	case source.Buffered() > 0:
		return errors.New("it speaks before it is asked")
	}
	return nil
}
