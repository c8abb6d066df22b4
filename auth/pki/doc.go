// Package pki is the deployment's own certificate authority and the identities of its processes: mutual TLS
// between them, and signed objects (compact JWS, EdDSA, the signer's certificate in x5c).
//
// A role is written in the certificate as a URI SAN incamera://<deployment>/<role>/<id>. Verify refuses any
// object whose header holds more than alg, typ and x5c, so a verifier never looks up a key an attacker named.
// Times: a certificate and a claim set are judged at the `now` the caller gives; certificates start five
// minutes before they are issued, for peers whose clocks run behind.
package pki
