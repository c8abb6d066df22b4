package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
)

// ContentSecurityPolicy is the policy of every page of the app. Nothing comes from another host, nothing inline runs,
// nobody frames it, and no string becomes markup. The page's import map, which holds the integrity of the parts that
// are loaded later, has to be inline: Handler adds its hash.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
	"media-src 'self' blob: mediastream:; connect-src 'self'; font-src 'self'; worker-src 'self'; base-uri 'none'; " +
	"form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"

const notBuiltPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>InCamera</title>
<h1>The browser app is not in this build</h1><p>Run <code>make build</code>, then start InCamera again.</p></html>`

// Handler serves the built files. A path that names no file is a page of the app and gets index.html; a missing
// asset is a plain 404, so that a stale page fails visibly and not with HTML in place of a script.
type Handler struct {
	files  fs.FS // nil: not built
	policy string
}

// NewHandler serves files, or the sentence of ErrNotBuilt when files is nil.
func NewHandler(files fs.FS) *Handler {
	h := &Handler{files: files, policy: ContentSecurityPolicy}
	if files == nil {
		return h
	}
	if html, err := fs.ReadFile(files, "index.html"); err == nil {
		if found := importMap.FindSubmatch(html); found != nil {
			sum := sha256.Sum256(found[1])
			h.policy = strings.Replace(h.policy, "script-src 'self'", "script-src 'self' 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'", 1)
		}
	}
	return h
}

var importMap = regexp.MustCompile(`<script type="importmap">([^<]*)</script>`)

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Content-Security-Policy", h.policy)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if h.files == nil {
		head.Set("Content-Type", "text/html; charset=utf-8")
		head.Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(notBuiltPage))
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	switch {
	case strings.HasPrefix(name, "assets/"):
		head.Set("Cache-Control", "public, max-age=31536000, immutable")
	case strings.HasPrefix(name, "sdk/"):
		// Portals of other origins import the SDK as a module, which browsers only allow with these.
		head.Set("Access-Control-Allow-Origin", "*")
		head.Set("Cross-Origin-Resource-Policy", "cross-origin")
		head.Set("Cache-Control", "no-cache")
	default:
		h.page(w, r)
		return
	}
	if !h.file(w, r, name) {
		head.Set("Cache-Control", "no-store")
		http.NotFound(w, r)
	}
}

func (h *Handler) page(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Cache-Control", "no-cache")
	head.Set("X-Frame-Options", "DENY")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), "+
		"fullscreen=(self), clipboard-write=(self), publickey-credentials-get=(self), publickey-credentials-create=(self), geolocation=(), payment=(), usb=(), serial=()")
	if !h.file(w, r, "index.html") {
		http.NotFound(w, r)
	}
}

// file writes one stored file, gzipped when the build left a smaller copy and the client takes it.
func (h *Handler) file(w http.ResponseWriter, r *http.Request, name string) bool {
	if !fs.ValidPath(name) || strings.HasSuffix(name, ".gz") {
		return false
	}
	data, err := fs.ReadFile(h.files, name)
	if err != nil {
		return false
	}
	head := w.Header()
	head.Add("Vary", "Accept-Encoding")
	if packed, err := fs.ReadFile(h.files, name+".gz"); err == nil && takesGzip(r) {
		head.Set("Content-Encoding", "gzip")
		data = packed
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		head.Set("Content-Type", kind)
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
	return true
}

func takesGzip(r *http.Request) bool {
	for _, one := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(one), ";")
		if coding == "gzip" && strings.ReplaceAll(weight, " ", "") != "q=0" {
			return true
		}
	}
	return false
}
