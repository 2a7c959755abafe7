// The hand-written loop with eight pages in flight: pages in order, until one is empty.
import { appendFileSync } from "node:fs"
import pLimit from "p-limit"

const [, , baseUrl, file] = process.argv
const limit = pLimit(8)

const read = async (page) => {
  const response = await fetch(`${baseUrl}/api/v1/calling/call-sessions?page=${page}&page_size=100`, {
    headers: { "X-Api-Key": process.env["AGNI_API_KEY"] }
  })
  return JSON.parse(await response.text()).data.callSessions
}

const ahead = []
for (let page = 1; page <= 8; page++) ahead.push(limit(read, page))
for (let next = 9; ; next++) {
  const sessions = await ahead.shift()
  if (sessions.length === 0) break
  ahead.push(limit(read, next))
  let lines = ""
  for (const session of sessions) lines += `${JSON.stringify(session)}\n`
  appendFileSync(file, lines)
}
