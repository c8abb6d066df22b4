// Command build bundles the browser side into web/dist: the app (hashed names, so that browsers may keep them for
// ever; a file for each part that is loaded later), the SDK (one unhashed ES module for portals) and index.html with
// the integrity of each file that it names or that a part is in.
package main
