// Command build bundles the browser side into web/dist: the app (hashed names, so that browsers may keep them for
// ever), the SDK (one unhashed ES module for portals) and index.html with the integrity of each file it names.
package main
