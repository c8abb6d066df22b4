package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// Validate reports everything that is wrong, one line each.
func (c Config) Validate() error {
	var k check
	k.oneOf("mode", string(c.Mode), string(Development), string(Production))
	if !idPattern.MatchString(c.Name) {
		k.bad("name", "is %q, must be lower-case letters, digits and dashes", c.Name)
	}
	if c.DataDir == "" {
		k.bad("data_dir", "is empty")
	}
	k.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	k.oneOf("log.format", c.Log.Format, "text", "json")
	k.address("admin.listen", c.Admin.Listen)
	c.HTTP.validate(&k)
	c.Media.validate(&k)
	c.Redis.validate(&k)
	c.Process.validate(&k)

	k.oneOf("sql.driver", c.SQL.Driver, SQLite, Postgres)
	if c.SQL.Driver == Postgres && c.SQL.DSN == "" {
		k.bad("sql.dsn", "is needed for driver: postgres")
	}
	k.lasts("auth.second_factor_max_age", c.Auth.SecondFactorMaxAge, time.Minute, 24*time.Hour)
	k.lasts("auth.session_max", c.Auth.SessionMax, time.Minute, 12*time.Hour)
	k.lasts("auth.session_idle", c.Auth.SessionIdle, time.Minute, 24*time.Hour)
	k.between("auth.password_hashes", c.Auth.PasswordHashes, 1, 64)
	if _, err := time.LoadLocation(c.Auth.TimeZone); err != nil {
		k.bad("auth.time_zone", "is %q, must be a name like Europe/Berlin", c.Auth.TimeZone)
	}
	if _, err := ParseNetworks(c.Auth.Networks); err != nil {
		k.bad("auth.networks", "%v", err)
	}
	k.lasts("auth.token_key_life", c.Auth.TokenKeyLife, time.Hour, 30*24*time.Hour)
	k.oneOf("auth.single_admin", c.Auth.SingleAdmin, SingleAdminAuto, "true", "false")
	c.Auth.Classes.validate(&k, c.HTTP.PublicURL)
	k.oneOf("auth.default_class", c.Auth.DefaultClass, classNames...)
	k.readable("auth.breached_passwords_file", c.Auth.BreachedFile)
	c.validateProviders(&k)
	c.validateLDAP(&k)
	for _, class := range c.Auth.GuestsByLink {
		k.oneOf("auth.guests_by_link", class, classNames...)
	}
	c.Mail.validate(&k)
	k.lasts("signaling.seat_kept", c.Signaling.SeatKept, time.Second, 10*time.Minute)
	k.lasts("signaling.meeting_kept", c.Signaling.MeetingKept, time.Second, time.Hour)
	k.between("signaling.max_per_meeting", c.Signaling.MaxPerMeeting, 2, 5000)
	k.between("signaling.max_screens", c.Signaling.MaxScreens, 1, 9)
	k.between("signaling.messages_per_second", c.Signaling.MessagesPerSec, 5, 1000)

	if c.Mode == Production {
		c.production(&k)
	}
	return errors.Join(k.errs...)
}

// check collects what is wrong, each with its key.
type check struct{ errs []error }

func (k *check) bad(key, format string, a ...any) {
	k.errs = append(k.errs, fmt.Errorf("config: %s: %s", key, fmt.Sprintf(format, a...)))
}

func (k *check) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		k.bad(key, "is %q, must be one of %s", value, strings.Join(allowed, ", "))
	}
}

func (k *check) between(key string, n, lo, hi int) {
	if n < lo || n > hi {
		k.bad(key, "is %d, must be %d to %d", n, lo, hi)
	}
}

func (k *check) lasts(key string, d, lo, hi time.Duration) {
	if d < lo || d > hi {
		k.bad(key, "is %s, must be %s to %s", d, lo, hi)
	}
}

func (k *check) address(key, value string) {
	if _, _, err := net.SplitHostPort(value); err != nil {
		k.bad(key, "is %q, must be host:port", value)
	}
}

func (h HTTP) validate(k *check) {
	k.address("http.listen", h.Listen)
	u, err := url.Parse(h.PublicURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Path != "" {
		k.bad("http.public_url", "is %q, must be http(s)://host[:port] without a path", h.PublicURL)
	}
	k.oneOf("http.tls.mode", h.TLS.Mode, TLSOff, TLSLocal, TLSFiles)
	if files := h.TLS.CertFile != "" && h.TLS.KeyFile != ""; (h.TLS.Mode == TLSFiles) != files {
		k.bad("http.tls", "cert_file and key_file go together with mode: files")
	}
	if h.TLS.ClientCAFile != "" && h.TLS.Mode == TLSOff {
		k.bad("http.tls.client_ca_file", "needs TLS at this process: a proxy's word for a certificate does not count")
	}
	for _, p := range h.TrustedProxies {
		if _, err := ParsePrefix(p); err != nil {
			k.bad("http.trusted_proxies", "%q is neither an address nor a prefix", p)
		}
	}
	if h.ProxyProtocol && len(h.TrustedProxies) == 0 {
		k.bad("http.proxy_protocol", "needs http.trusted_proxies: who may send the header")
	}
}

func (m Media) validate(k *check) {
	if ap, err := netip.ParseAddrPort(m.Listen); err != nil || ap.Port() == 0 {
		k.bad("media.listen", "is %q, must be address:port with a port", m.Listen)
	}
	for _, a := range m.Advertise {
		if ip, err := netip.ParseAddr(a); err != nil || ip.IsUnspecified() {
			k.bad("media.advertise", "%q is not an address browsers can reach", a)
		}
	}
	if m.TCP.Listen != TCPPublic && m.TCP.Listen != TCPOff {
		if ap, err := netip.ParseAddrPort(m.TCP.Listen); err != nil || ap.Port() == 0 {
			k.bad("media.tcp.listen", "is %q, must be public, off, or address:port with a port", m.TCP.Listen)
		}
	}
	k.between("media.tcp.advertise_port", m.TCP.AdvertisePort, 0, 65535)
	if m.Turn.UDP != "" {
		k.address("media.turn.udp", m.Turn.UDP)
	}
	if (m.Turn.CertFile != "") != (m.Turn.KeyFile != "") {
		k.bad("media.turn", "cert_file and key_file go together")
	}
	k.between("media.shards", m.Shards, 0, 64)
	k.between("media.audio_slots", m.AudioSlots, 1, 8)
	k.between("media.video_slots", m.VideoSlots, 1, 49)
	k.between("media.max_participants", m.MaxParticipants, 1, 100_000)
	k.between("media.max_rooms", m.MaxRooms, 1, 100_000)
	k.between("media.room_part", m.RoomPart, 1, 100_000)
	k.between("media.refuse_load_permill", m.RefuseLoad, 1, 1001)
	k.between("media.shed_load_permill", m.ShedLoad, 1, 1001)
	if len(m.Codecs) == 0 {
		k.bad("media.codecs", "is empty")
	}
	for _, codec := range m.Codecs {
		k.oneOf("media.codecs", codec, "VP8", "VP9", "H264", "AV1")
	}
}

func (r Redis) validate(k *check) {
	k.oneOf("redis.mode", r.Mode, RedisEmbedded, RedisSingle, RedisSentinel, RedisCluster)
	if (r.Mode == RedisEmbedded) != (len(r.Addresses) == 0) {
		k.bad("redis.addresses", "are needed for mode single, sentinel or cluster, and only then")
	}
	if (r.Mode == RedisSentinel) != (r.MasterName != "") {
		k.bad("redis.master_name", "goes together with mode: sentinel")
	}
}

func (p Process) validate(k *check) {
	if !idPattern.MatchString(p.ID) {
		k.bad("process.id", "is %q, must be lower-case letters, digits and dashes", p.ID)
	}
	k.address("process.rpc_listen", p.RPCListen)
	if p.RPCAddress != "" {
		k.address("process.rpc_address", p.RPCAddress)
	}
}

// production refuses what is only right on a developer's machine.
func (c Config) production(k *check) {
	bad := func(key, why string) { k.bad(key, "not in mode production: %s", why) }
	u, err := url.Parse(c.HTTP.PublicURL)
	if err == nil {
		if u.Scheme != "https" {
			bad("http.public_url", "must be https; browsers give no camera and no secure cookie without it")
		}
		if h := u.Hostname(); h == "localhost" || net.ParseIP(h).IsLoopback() {
			bad("http.public_url", "must be the name people type, not this machine's loopback")
		}
	}
	if c.HTTP.TLS.Mode == TLSOff && len(c.HTTP.TrustedProxies) == 0 {
		bad("http.tls.mode", "set files or local, or name the TLS proxy in http.trusted_proxies")
	}
	if c.Name == Default().Name {
		bad("name", "choose a name for this deployment; tokens are bound to it")
	}
	if c.DataDir == Default().DataDir {
		bad("data_dir", "must be an absolute path that is backed up")
	}
	if host, _, err := net.SplitHostPort(c.Admin.Listen); err == nil && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		bad("admin.listen", "metrics and profiles stay on loopback")
	}
	if c.Redis.Mode != RedisEmbedded {
		if c.Redis.PasswordFile == "" {
			bad("redis.password_file", "Redis must ask for a password")
		}
		if !c.Redis.TLS {
			bad("redis.tls", "Redis must be reached over TLS")
		}
	}
	if c.SQL.Driver == Postgres && strings.Contains(c.SQL.DSN, "sslmode=disable") {
		bad("sql.dsn", "PostgreSQL must be reached over TLS or a unix socket")
	}
}

// ParsePrefix reads an address or a prefix; an address is a prefix of its full length.
func ParsePrefix(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}
