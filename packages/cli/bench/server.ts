/**
 * The endpoint that the bench reads: a child process behind a bare `node:http` server, so that the time of both sides is the
 * client's. Prints its address, then serves until it is ended.
 *
 * node bench/server.ts SESSIONS LATENCY_MS [READY: 1 to render every record before]
 *
 * Ready records are served without the simulator that made them, at the same small cost for each question: neither side
 * waits for a page to be rendered that the other side finds rendered.
 */
import { AgniSimulator } from "@callstream/core/testing"
import { createServer } from "node:http"
import * as Answer from "./Answer.ts"

const sessions = Number(process.argv[2])
const latency = Number(process.argv[3])
const ready = process.argv[4] === "1"

const simulator = AgniSimulator.makeUnsafe(
  { sessions, undated: 0, keepRequests: 1, content: "varied", textCache: ready ? 0 : 400_000_000 },
  () => Date.now()
)

interface Answer {
  readonly status: number
  readonly body: ReadonlyArray<Buffer>
}

const simulate = (search: URLSearchParams, key: string): Answer => {
  const { body, status } = simulator.handle(
    {
      method: "GET",
      origin: "http://127.0.0.1",
      path: "/api/v1/calling/call-sessions",
      search: search.toString(),
      params: Object.fromEntries(search),
      headers: { "x-api-key": key }
    },
    Date.now()
  )
  return { status, body: [Buffer.from(body)] }
}

/** Newest start first, as the simulator has them; and all of them as they stand in a list, a comma behind each. */
const starts: Array<number> = []
const ends: Array<number> = [0]
let list = Buffer.alloc(0)
const empty = simulate(new URLSearchParams({ page: "90000001" }), simulator.apiKey).body.join("")
const [head = "", tail = ""] = empty.split(/(?<=\[)(?=\])/)
const [before, after] = [Buffer.from(head), Buffer.from(tail)]

const render = () => {
  const texts: Array<Buffer> = []
  let end = 0
  for (let page = 1; starts.length < sessions; page++) {
    const search = new URLSearchParams({ page: String(page), page_size: "100" })
    const { data } = JSON.parse(simulate(search, simulator.apiKey).body.join(""))
    if (data.callSessions.length === 0) throw new Error(`${starts.length} records, expected ${sessions}`)
    for (const session of data.callSessions) {
      const text = Buffer.from(`${JSON.stringify(session)},`)
      texts.push(text)
      end += text.length
      starts.push(Date.parse(session.startedAt))
      ends.push(end)
    }
  }
  list = Buffer.concat(texts)
}

/** The number of records that start later than a time. */
const later = (time: number): number => {
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((starts[middle] ?? 0) > time) low = middle + 1
    else high = middle
  }
  return low
}

const between = (from: number, to: number) => list.subarray(ends[from], Math.max(ends[from] ?? 0, (ends[to] ?? 0) - 1))

const serve = (search: URLSearchParams, key: string): Answer => {
  if (key !== simulator.apiKey) return simulate(search, key)
  const size = Math.min(100, Number(search.get("page_size") ?? 20))
  const first = later(Date.parse(search.get("started_before") ?? "9000-01-01T00:00:00Z"))
  const end = later(Date.parse(search.get("started_after") ?? "2000-01-01T00:00:00Z") - 1)
  const skip = (Number(search.get("page") ?? 1) - 1) * size
  if (search.get("sort_order") !== "asc") {
    const from = Math.min(end, first + skip)
    return { status: 200, body: [before, between(from, Math.min(end, from + size)), after] }
  }
  const to = Math.max(first, end - skip)
  const rows = Array.from({ length: Math.min(size, to - first) }, (_, i) => between(to - i - 1, to - i).toString())
  return { status: 200, body: [Buffer.from(head + rows.join(",") + tail)] }
}

if (ready) render()
let served = 0
const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://127.0.0.1")
  if (url.pathname === "/served") {
    response.end(String(served))
    served = 0
    return
  }
  served++
  const key = request.headers["x-api-key"]
  const send = () => {
    const { body, status } = (ready ? serve : simulate)(url.searchParams, typeof key === "string" ? key : "")
    Answer.send(response, status, body)
  }
  if (latency > 0) setTimeout(send, latency)
  else send()
})

Answer.listen(server)
