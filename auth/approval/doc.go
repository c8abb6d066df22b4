// Package approval is the four eyes: what one administrator asks for happens when a second one approves it, within a day.
// Until then nothing changes. Kind and object say what it is; the act itself belongs to whoever calls Approve.
package approval
