package config

import (
	"path/filepath"
	"time"
)

// Config is the whole configuration. configs/incamera.yaml documents every key with its unit and default.
type Config struct {
	Mode    Mode   `yaml:"mode"`
	Name    string `yaml:"name"`
	DataDir string `yaml:"data_dir"`

	Log       Log       `yaml:"log"`
	HTTP      HTTP      `yaml:"http"`
	Admin     Admin     `yaml:"admin"`
	Media     Media     `yaml:"media"`
	Redis     Redis     `yaml:"redis"`
	SQL       SQL       `yaml:"sql"`
	Process   Process   `yaml:"process"`
	Auth      Auth      `yaml:"auth"`
	Mail      Mail      `yaml:"mail"`
	Signaling Signaling `yaml:"signaling"`
}

// Mode says how strict the process is about its own configuration.
type Mode string

// Modes. Development accepts defaults that would be unsafe on a network; production refuses to start with them.
const (
	Development Mode = "development"
	Production  Mode = "production"
)

// Log is where and how the process speaks: to standard error, one line an event.
type Log struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// HTTP is the public listener: pages, API and WebSocket.
type HTTP struct {
	Listen         string   `yaml:"listen"`
	PublicURL      string   `yaml:"public_url"`
	TLS            TLS      `yaml:"tls"`
	TrustedProxies []string `yaml:"trusted_proxies"`
	ProxyProtocol  bool     `yaml:"proxy_protocol"`
}

// TLS of the public listener. Mode local makes an own CA for a LAN.
type TLS struct {
	Mode     string `yaml:"mode"`
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	Host     string `yaml:"host"`

	ClientCAFile string `yaml:"client_ca_file"`
}

// TLS modes.
const (
	TLSOff   = "off"
	TLSLocal = "local"
	TLSFiles = "files"
)

// Admin is the listener for metrics, health and profiles.
type Admin struct {
	Listen string `yaml:"listen"`
}

// Media is the media node of this process.
type Media struct {
	Listen          string   `yaml:"listen"`
	Shards          int      `yaml:"shards"`
	Advertise       []string `yaml:"advertise"`
	AudioSlots      int      `yaml:"audio_slots"`
	VideoSlots      int      `yaml:"video_slots"`
	Codecs          []string `yaml:"codecs"`
	MaxParticipants int      `yaml:"max_participants"`
	MaxRooms        int      `yaml:"max_rooms"`
	RoomPart        int      `yaml:"room_part"`
	RefuseLoad      int      `yaml:"refuse_load_permill"`
	ShedLoad        int      `yaml:"shed_load_permill"`
	TCP             TCP      `yaml:"tcp"`
	Turn            Turn     `yaml:"turn"`
}

// TCP is where a node takes media over TCP.
type TCP struct {
	Listen        string `yaml:"listen"`
	AdvertisePort int    `yaml:"advertise_port"`
}

// TCP listeners that are no address.
const (
	TCPPublic = "public"
	TCPOff    = "off"
)

// Turn is a node's own relay.
type Turn struct {
	Enabled  bool   `yaml:"enabled"`
	UDP      string `yaml:"udp"`
	Host     string `yaml:"host"`
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// Redis is the live state. Mode embedded runs a private server inside the process.
type Redis struct {
	Mode         string   `yaml:"mode"`
	Addresses    []string `yaml:"addresses"`
	MasterName   string   `yaml:"master_name"`
	User         string   `yaml:"user"`
	PasswordFile string   `yaml:"password_file"`
	TLS          bool     `yaml:"tls"`
	CAFile       string   `yaml:"ca_file"`
}

// Redis modes.
const (
	RedisEmbedded = "embedded"
	RedisSingle   = "single"
	RedisSentinel = "sentinel"
	RedisCluster  = "cluster"
)

// SQL is what lasts: accounts, rooms, audit.
type SQL struct {
	Driver  string `yaml:"driver"`
	DSN     string `yaml:"dsn" secret:"true"`
	DSNFile string `yaml:"dsn_file"`
}

// SQL drivers.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// Process is this process among the others of the deployment.
type Process struct {
	ID          string `yaml:"id"`
	IdentityDir string `yaml:"identity_dir"`
	RPCListen   string `yaml:"rpc_listen"`
	RPCAddress  string `yaml:"rpc_address"`
	Zone        string `yaml:"zone"`
}

// Auth is how people prove who they are.
type Auth struct {
	SecondFactorMaxAge time.Duration `yaml:"second_factor_max_age"`
	SessionMax         time.Duration `yaml:"session_max"`
	SessionIdle        time.Duration `yaml:"session_idle"`
	PasswordHashes     int           `yaml:"password_hashes"`
	PolicyFile         string        `yaml:"policy_file"`
	BreachedFile       string        `yaml:"breached_passwords_file"`
	KeyFile            string        `yaml:"key_file"`
	TokenKeyLife       time.Duration `yaml:"token_key_life"`
	SingleAdmin        string        `yaml:"single_admin"`
	UsersCreateRooms   bool          `yaml:"users_create_rooms"`
	Classes            Classes       `yaml:"classes"`
	DefaultClass       string        `yaml:"default_class"`
	OIDC               []Provider    `yaml:"oidc"`
	LDAP               LDAP          `yaml:"ldap"`
	TimeZone           string        `yaml:"time_zone"`
	GeoFile            string        `yaml:"geo_file"`
	Networks           []string      `yaml:"networks"`
	GuestsByLink       []string      `yaml:"guests_by_link"`
}

// Mail is the SMTP relay of codes, invitations and links for new passwords. No address: none.
type Mail struct {
	Address      string        `yaml:"address"`
	TLS          string        `yaml:"tls"`
	CAFile       string        `yaml:"ca_file"`
	User         string        `yaml:"user"`
	PasswordFile string        `yaml:"password_file"`
	From         string        `yaml:"from"`
	Timeout      time.Duration `yaml:"timeout"`
}

// Signaling is the behaviour of meetings.
type Signaling struct {
	SeatKept       time.Duration `yaml:"seat_kept"`
	MeetingKept    time.Duration `yaml:"meeting_kept"`
	MaxPerMeeting  int           `yaml:"max_per_meeting"`
	MaxScreens     int           `yaml:"max_screens"`
	MessagesPerSec int           `yaml:"messages_per_second"`
}

// Default is the configuration of `incamera serve` on a fresh machine.
func Default() Config {
	return Config{
		Mode:    Development,
		Name:    "incamera",
		DataDir: "./data",
		Log:     Log{Level: "info", Format: "text"},
		HTTP: HTTP{
			Listen:    "127.0.0.1:8480",
			PublicURL: "http://localhost:8480",
			TLS:       TLS{Mode: TLSOff},
		},
		Admin: Admin{Listen: "127.0.0.1:8481"},
		Media: Media{
			Listen: "[::]:8490", TCP: TCP{Listen: TCPPublic}, Turn: Turn{Enabled: true}, AudioSlots: 3, VideoSlots: 9,
			MaxParticipants: 1000, MaxRooms: 500, RoomPart: 200, RefuseLoad: 850, ShedLoad: 900,
			Codecs: []string{"VP8", "VP9", "H264", "AV1"},
		},
		Redis:   Redis{Mode: RedisEmbedded},
		SQL:     SQL{Driver: SQLite},
		Process: Process{ID: "local", RPCListen: "127.0.0.1:0"},
		Auth: Auth{
			SecondFactorMaxAge: 12 * time.Hour, SessionMax: 12 * time.Hour, SessionIdle: 2 * time.Hour, PasswordHashes: 2, TokenKeyLife: 7 * 24 * time.Hour,
			SingleAdmin: SingleAdminAuto, UsersCreateRooms: true,
			OIDC: []Provider{}, LDAP: defaultLDAP,
			Classes: defaultClasses, DefaultClass: "internal",
		},
		Mail:      Mail{TLS: "starttls", Timeout: 15 * time.Second},
		Signaling: Signaling{SeatKept: time.Minute, MeetingKept: time.Minute, MaxPerMeeting: 300, MaxScreens: 2, MessagesPerSec: 30},
	}
}

// SingleAdminAuto is a single administrator in mode development, and none in mode production.
const SingleAdminAuto = "auto"

// OneAdministrator says whether the first account holds the three administrators' powers.
func (c Config) OneAdministrator() bool {
	return c.Auth.SingleAdmin == "true" || c.Auth.SingleAdmin == SingleAdminAuto && c.Mode == Development
}

// SealKeyFile is where the key of sealed secrets is.
func (c Config) SealKeyFile() string {
	if c.Auth.KeyFile != "" {
		return c.Auth.KeyFile
	}
	return filepath.Join(c.DataDir, "keys", "vault.json")
}
