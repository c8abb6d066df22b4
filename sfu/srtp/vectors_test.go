package srtp

import (
	"bytes"
	"testing"
)

// The vectors of RFC 7714, sections 16 (SRTP) and 17 (SRTCP). They give
// session keys, so the transform is built below the key derivation.
func TestRFC7714Vectors(t *testing.T) {
	const (
		rtpPlain = `8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973
			20646976 69736120 696e2070 61727465 73207472 6573`
		rtcpPlain = `81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930
			4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef`
	)
	for _, tc := range []struct{ name, key, rtp, rtcp string }{
		{
			"AEAD_AES_128_GCM", `00010203 04050607 08090a0b 0c0d0e0f`,
			`8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5
			 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce`,
			`81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d
			 c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872
			 45d9eade 800005d4`,
		},
		{
			"AEAD_AES_256_GCM", `00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f`,
			`8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238
			 9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13`,
			`81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50
			 a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c
			 b26ac3be 800005d4`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			aead, s, err := aeadOf(fromHex(t, tc.key), fromHex(t, `51756964 2070726f 2071756f`))
			if err != nil {
				t.Fatal(err)
			}
			g := &gcm{rtp: aead, rtcp: aead, rtpSalt: s, rtcpSalt: s}

			plain, want := fromHex(t, rtpPlain), fromHex(t, tc.rtp)
			got := append(bytes.Clone(plain[:12]), make([]byte, len(want)-12)...)
			c := g.sealer()
			if err := c.seal(got, 12, plain[12:], 0x5501a0b2, 0xf17b); err != nil || !bytes.Equal(got, want) {
				t.Errorf("SRTP: %x, %v", got, err)
			}
			opened := make([]byte, len(plain))
			if err := g.openRTP(opened, want, 12, 0x5501a0b2, 0xf17b); err != nil || !bytes.Equal(opened, plain) {
				t.Errorf("SRTP opened: %x, %v", opened, err)
			}

			plain, want = fromHex(t, rtcpPlain), fromHex(t, tc.rtcp)
			got = make([]byte, len(want))
			if err := g.sealRTCP(got, plain, 0x4d617273, 0x5d4); err != nil || !bytes.Equal(got, want) {
				t.Errorf("SRTCP: %x, %v", got, err)
			}
			if index, encrypted := g.rtcpIndex(want); index != 0x5d4 || !encrypted {
				t.Errorf("SRTCP index %x, %v", index, encrypted)
			}
			opened = make([]byte, len(plain))
			if err := g.openRTCP(opened, want, 0x4d617273, 0x5d4); err != nil || !bytes.Equal(opened, plain) {
				t.Errorf("SRTCP opened: %x, %v", opened, err)
			}
		})
	}
}

// The vector of RFC 3711, appendix B.3.
func TestRFC3711KeyDerivation(t *testing.T) {
	key := fromHex(t, `E1F97A0D3E018BE0D64FA32C06DE4139`)
	salt := fromHex(t, `0EC675AD498AFEEBB6960B3AABE6`)
	for _, tc := range []struct {
		label byte
		want  string
	}{
		{labelRTPKey, `C61E7A93744F39EE10734AFE3FF7A087`},
		{labelRTPSalt, `30CBBC08863D8C85D49DB34A9AE1`},
		{1, `CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCEE049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC256D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2`},
	} {
		want := fromHex(t, tc.want)
		got, err := derive(tc.label, key, salt, len(want))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("label %d: %x, %v", tc.label, got, err)
		}
	}
}
