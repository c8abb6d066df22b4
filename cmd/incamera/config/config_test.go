package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "incamera.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultsAreValid(t *testing.T) {
	c, err := Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTP.PublicURL != "http://localhost:8480" {
		t.Fatalf("public_url = %q", c.HTTP.PublicURL)
	}
}

func TestTheSampleFileLoadsAndDocumentsEveryKey(t *testing.T) {
	const sample = "../../../configs/incamera.yaml"
	c, err := Load(sample, nil)
	if err != nil {
		t.Fatal(err)
	}
	var want, got strings.Builder
	if err := Default().Print(&want); err != nil {
		t.Fatal(err)
	}
	if err := c.Print(&got); err != nil {
		t.Fatal(err)
	}
	if want.String() != got.String() {
		t.Errorf("the sample differs from the defaults:\n%s\nwant\n%s", got.String(), want.String())
	}
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range Keys() {
		leaf := key[strings.LastIndex(key, ".")+1:]
		if !strings.Contains(string(text), leaf+":") {
			t.Errorf("the sample does not show %s", key)
		}
	}
}

func TestAnUnknownKeyIsAnErrorNamingItsLine(t *testing.T) {
	_, err := Load(write(t, "name: x\nhttp:\n  lisen: ':1'\n"), nil)
	if err == nil || !strings.Contains(err.Error(), "line 3: unknown key lisen") {
		t.Fatalf("err = %v", err)
	}
}

func TestTheEnvironmentOverridesTheFile(t *testing.T) {
	c, err := Load(write(t, "name: file\n"), []string{
		"PATH=/bin", "INCAMERA_NAME=env", "INCAMERA_HTTP_TRUSTED_PROXIES=10.0.0.1, 10.1.0.0/16",
		"INCAMERA_AUTH_SESSION_IDLE=10m", "INCAMERA_MEDIA_SHARDS=3",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "env" || len(c.HTTP.TrustedProxies) != 2 || c.Auth.SessionIdle != 10*time.Minute || c.Media.Shards != 3 {
		t.Fatalf("got %+v", c)
	}
}

func TestAVariableThatNamesNoKeyIsAnError(t *testing.T) {
	if _, err := Load("", []string{"INCAMERA_HTTP_LISEN=:1"}); err == nil || !strings.Contains(err.Error(), "INCAMERA_HTTP_LISEN") {
		t.Fatalf("err = %v", err)
	}
}

func TestSecretsComeFromFilesAndAreNeverPrinted(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(secret, []byte("postgres://u:hunter2@db/x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(write(t, "sql:\n  driver: postgres\n  dsn_file: "+secret+"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.SQL.DSN != "postgres://u:hunter2@db/x" {
		t.Fatalf("dsn = %q", c.SQL.DSN)
	}
	var out strings.Builder
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "hunter2") || !strings.Contains(out.String(), "(redacted)") {
		t.Fatalf("printed:\n%s", out.String())
	}
}

func TestBothASecretAndItsFileIsAnError(t *testing.T) {
	_, err := Load(write(t, "sql:\n  driver: postgres\n  dsn: a\n  dsn_file: b\n"), nil)
	if err == nil || !strings.Contains(err.Error(), "keep one") {
		t.Fatalf("err = %v", err)
	}
}

func TestDevelopmentDefaultsRefuseProduction(t *testing.T) {
	_, err := Load(write(t, "mode: production\n"), nil)
	if err == nil {
		t.Fatal("started")
	}
	for _, key := range []string{"http.public_url", "http.tls.mode", "name", "data_dir"} {
		if !strings.Contains(err.Error(), "config: "+key+": not in mode production") {
			t.Errorf("no word about %s in:\n%v", key, err)
		}
	}
}

func TestAProductionConfigurationLoads(t *testing.T) {
	_, err := Load(write(t, `
mode: production
name: court
data_dir: /var/lib/incamera
http:
  listen: ":443"
  public_url: https://meet.court.example
  tls: {mode: files, cert_file: /c, key_file: /k}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
}

func TestBadValuesNameTheirKeys(t *testing.T) {
	for yaml, key := range map[string]string{
		"mode: prod":                                  "mode",
		"name: 'A b'":                                 "name",
		"http: {public_url: 'localhost:1'}":           "http.public_url",
		"http: {listen: '8480'}":                      "http.listen",
		"http: {trusted_proxies: [proxy]}":            "http.trusted_proxies",
		"http: {proxy_protocol: true}":                "http.proxy_protocol",
		"http: {tls: {mode: files}}":                  "http.tls",
		"media: {listen: ':8490'}":                    "media.listen",
		"media: {advertise: ['0.0.0.0']}":             "media.advertise",
		"media: {codecs: [H265]}":                     "media.codecs",
		"media: {video_slots: 50}":                    "media.video_slots",
		"redis: {mode: single}":                       "redis.addresses",
		"redis: {mode: sentinel, addresses: ['a:1']}": "redis.master_name",
		"sql: {driver: postgres}":                     "sql.dsn",
		"process: {id: 'a/b'}":                        "process.id",
		"signaling: {seat_kept: 1ms}":                 "signaling.seat_kept",
		"auth: {second_factor_max_age: 1000h}":        "auth.second_factor_max_age",
		"log: {level: loud}":                          "log.level",
		"name: a\n---\nname: b":                       "more than one YAML document",
		"http: [1]":                                   "line 1",
		"auth: {session_idle: soon}":                  "line 1",
	} {
		if _, err := Load(write(t, yaml), nil); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: err = %v, want a word about %s", yaml, err, key)
		}
	}
}
