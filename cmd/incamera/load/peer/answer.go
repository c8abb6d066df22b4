package peer

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// Errors of answers.
var (
	ErrAnswer      = errors.New("peer: the answer is incomplete")
	ErrNoCandidate = errors.New("peer: the answer has no UDP address of this machine's kinds")
	ErrHash        = errors.New("peer: the answer's fingerprint is not SHA-256")
)

// maxCandidates bounds how many addresses are tried.
const maxCandidates = 8

// maxRepairs bounds how many repair streams are known.
const maxRepairs = 128

// answer is what matters of an answer: where the server is, and who.
type answer struct {
	ufrag, password string
	print           [32]byte // SHA-256 of the server's certificate
	candidates      []netip.AddrPort
	repairs         map[uint32]uint32 // repair stream → the stream that it repairs
}

func parseAnswer(sdp string) (answer, error) {
	a := answer{repairs: map[uint32]uint32{}}
	printed := false
	for line := range strings.Lines(sdp) {
		line = strings.TrimRight(line, "\r\n")
		key, value, _ := strings.Cut(strings.TrimPrefix(line, "a="), ":")
		switch key {
		case "ice-ufrag":
			a.ufrag = value
		case "ice-pwd":
			a.password = value
		case "fingerprint":
			hash, sum, _ := strings.Cut(value, " ")
			raw, err := hex.DecodeString(strings.ReplaceAll(sum, ":", ""))
			if !strings.EqualFold(hash, "sha-256") || err != nil || len(raw) != len(a.print) {
				return answer{}, ErrHash
			}
			copy(a.print[:], raw)
			printed = true
		case "candidate":
			a.candidate(value)
		case "ssrc-group":
			a.group(value)
		}
	}
	if a.ufrag == "" || a.password == "" || !printed || len(a.ufrag) > 256 || len(a.password) > 256 {
		return answer{}, ErrAnswer
	}
	if len(a.candidates) == 0 {
		return answer{}, ErrNoCandidate
	}
	return a, nil
}

// group keeps which stream repairs which (RFC 5576, FID).
func (a *answer) group(value string) {
	f := strings.Fields(value)
	if len(f) != 3 || f[0] != "FID" || len(a.repairs) == maxRepairs {
		return
	}
	primary, errP := strconv.ParseUint(f[1], 10, 32)
	repair, errR := strconv.ParseUint(f[2], 10, 32)
	if errP == nil && errR == nil {
		a.repairs[uint32(repair)] = uint32(primary)
	}
}

// candidate keeps UDP addresses of the first component, each once, in their order.
func (a *answer) candidate(value string) {
	f := strings.Fields(value)
	if len(f) < 6 || f[1] != "1" || !strings.EqualFold(f[2], "udp") || len(a.candidates) == maxCandidates {
		return
	}
	ip, errIP := netip.ParseAddr(f[4])
	port, errPort := strconv.ParseUint(f[5], 10, 16)
	if errIP != nil || errPort != nil || port == 0 {
		return
	}
	at := netip.AddrPortFrom(ip.Unmap(), uint16(port))
	for _, known := range a.candidates {
		if known == at {
			return
		}
	}
	a.candidates = append(a.candidates, at)
}
