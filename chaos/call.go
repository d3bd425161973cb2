package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// adminToken opens the workers' admin addresses.
const adminToken = "chaos"

// call makes one HTTP request and returns the body of a 200.
func call(ctx context.Context, method, url, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Close = true // a kept connection would meet the faults that we make
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	return text, nil
}
