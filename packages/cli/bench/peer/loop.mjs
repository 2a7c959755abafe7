// The hand-written loop: a page of 100, parsed, each record appended to a file, next page.
import { appendFileSync } from "node:fs"

const [, , baseUrl, file] = process.argv
for (let page = 1; ; page++) {
  const response = await fetch(`${baseUrl}/api/v1/calling/call-sessions?page=${page}&page_size=100`, {
    headers: { "X-Api-Key": process.env["AGNI_API_KEY"] }
  })
  const { callSessions } = JSON.parse(await response.text()).data
  if (callSessions.length === 0) break
  let lines = ""
  for (const session of callSessions) lines += `${JSON.stringify(session)}\n`
  appendFileSync(file, lines)
}
