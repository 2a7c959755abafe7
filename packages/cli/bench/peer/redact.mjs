// The hand-written loop that also filters, masks e-mail addresses, and appends what is left.
import { appendFileSync } from "node:fs"

const [, , baseUrl, file] = process.argv
const address = /[^\s@<>()"',;:]+@[^\s@<>()"',;:]+\.[^\s@<>()"',;:.]+/g
for (let page = 1; ; page++) {
  const response = await fetch(`${baseUrl}/api/v1/calling/call-sessions?page=${page}&page_size=100`, {
    headers: { "X-Api-Key": process.env["AGNI_API_KEY"] }
  })
  const { callSessions } = JSON.parse(await response.text()).data
  if (callSessions.length === 0) break
  let lines = ""
  for (const session of callSessions) {
    if (!(session.durationSec > 60)) continue
    if (session.callerEmail) session.callerEmail = "[email]"
    if (session.summary) session.summary = session.summary.replace(address, "[email]")
    lines += `${JSON.stringify(session)}\n`
  }
  appendFileSync(file, lines)
}
