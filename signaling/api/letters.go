package api

import (
	"fmt"
	"strings"
	"time"

	"incamera/auth/mail"
)

// The letters that are sent, each in English and in Chinese: whom they go to has told nobody their language.

func letter(kind mail.Kind, to, subject string, paragraphs ...string) mail.Message {
	return mail.Message{Kind: kind, To: to, Subject: subject, Text: strings.Join(paragraphs, "\n\n") + "\n"}
}

func invitationLetter(to, title, host, link string, until time.Time) mail.Message {
	when := until.UTC().Format("2006-01-02 15:04 UTC")
	return letter(mail.Invitation, to, "Invitation to a meeting · 会议邀请",
		fmt.Sprintf("%s invites you to the meeting “%s”. Open this link in your browser, until %s:", host, title, when), link,
		"You write your name, enter a code that is sent to this address, and wait until a host lets you in. The link is meant for you: do not pass it on.",
		fmt.Sprintf("%s 邀请您参加会议“%s”。请在 %s 之前用浏览器打开上面的链接。", host, title, when),
		"请填写姓名，输入发送到此邮箱的验证码，然后等待主持人准入。此链接仅供您本人使用，请勿转发。")
}

func codeLetter(to, title, code string) mail.Message {
	return letter(mail.Code, to, "Your code · 验证码",
		fmt.Sprintf("Your code for the meeting “%s”:", title), code,
		"It is good once, for ten minutes. If you did not ask for it, ignore this message, and tell nobody the code.",
		fmt.Sprintf("以上是您参加会议“%s”的验证码，十分钟内有效，仅可使用一次。如非本人操作，请忽略此邮件，切勿将验证码告诉他人。", title))
}

func resetLetter(to, link string) mail.Message {
	return letter(mail.Reset, to, "A new password · 重设密码",
		"Somebody, probably you, asked for a new password of your account. Open this link within 30 minutes:", link,
		"You also need your authenticator app or a recovery code. If it was not you, ignore this message: nothing has changed.",
		"有人（可能是您本人）请求重设您账户的密码。请在 30 分钟内打开上面的链接，并准备好身份验证器应用或恢复代码。如非本人操作，请忽略此邮件：一切照旧。")
}
