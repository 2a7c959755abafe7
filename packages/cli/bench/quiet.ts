/**
 * An endpoint that shares no code with callstream and its simulator: what nobody's assumptions are built into. Calls are
 * created in the moment in which they start, stand newest first, and nothing moves. The build of the command exports them, too.
 *
 * node bench/quiet.ts SESSIONS LATENCY_MS
 *
 * Prints its address, then serves until it is ended. `GET /served` says how many requests came since it was last asked.
 */
import { createServer } from "node:http"
import * as Answer from "./Answer.ts"

const sessions = Number(process.argv[2])
const latency = Number(process.argv[3])

const largestPage = 100
const first = Date.parse("2026-01-01T00:00:00Z")
/** Milliseconds from one start to the next. */
const apart = 7000

const statuses = ["completed", "completed", "completed", "completed", "completed", "failed", "no_answer"]
const channels = ["voice", "web", "sip"]
const digits = (n: number, length: number) => String(n).padStart(length, "0")
const time = (at: number) => new Date(at).toISOString()

const record = (n: number): string => {
  const start = first + n * apart
  const seconds = (n * 37) % 130
  return JSON.stringify({
    id: `019c${digits(n % 10_000, 4)}-${digits(n % 10_000, 4)}-7000-8000-${digits(n, 12)}`,
    agentId: `019b0000-0000-7000-8000-00000000000${n % 9}`,
    organizationId: "2a0e2d3c-4b5a-4968-8776-655443322110",
    roomId: `call_${n}`,
    callerNumber: `+1415555${digits(n % 10_000, 4)}`,
    calleeNumber: "+14155550199",
    callerName: `Caller ${n}`,
    callerEmail: `caller${n}@example.com`,
    channel: channels[n % channels.length],
    status: statuses[n % statuses.length],
    summary:
      `The caller asked about order ${n}. The agent explained the terms of a refund, wrote to caller${n}@example.com, ` +
      "and passed the call on to the billing desk.",
    metadata: { campaign: "spring", attempt: n % 4, tags: ["new", "west"] },
    errorMessage: "",
    disconnectReason: "user_hangup",
    promptDynamicVariables: { product: `plan ${n % 12}` },
    extractDynamicVariables: n % 2 === 1 ? null : { intent: "refund", score: 0.92 },
    callLatencyMs: 300 + (n % 500),
    startedAt: time(start),
    endedAt: time(start + seconds * 1000),
    durationSec: seconds,
    createdAt: time(start),
    recordingUrl: `https://recordings.example.com/${n}.wav?signature=0123456789abcdef`,
    costTotal: "0.0345",
    agentName: `Agent ${n % 9}`,
    postCallAnalysisResult: {
      sentiment: { type: "enum", value: "positive" },
      resolved: { type: "boolean", value: true }
    },
    creditBreakdown: {
      channel: "voice",
      duration_sec: seconds,
      model_credits: 1.25,
      provider_credits: 0.75,
      provider_managed: true,
      telephony_type: "twilio",
      total_credits: 2
    }
  })
}

/** All records, newest first, each with a comma behind it; `ends[n]` is where the n-th begins. */
const ends = new Float64Array(sessions + 1)
const pieces: Array<Buffer> = []
for (let n = 0; n < sessions; n++) {
  const piece = Buffer.from(`${record(sessions - 1 - n)},`)
  pieces.push(piece)
  ends[n + 1] = (ends[n] ?? 0) + piece.length
}
const list = Buffer.concat(pieces)
pieces.length = 0

/** The records at the places from `from` up to `to`, joined by commas. */
const between = (from: number, to: number) => list.subarray(ends[from], Math.max(ends[from] ?? 0, (ends[to] ?? 0) - 1))

const head = Buffer.from('{"success":true,"message":"ok","data":{"callSessions":[')
const tail = Buffer.from("]}}")

/** Both bounds belong to the range. */
const answer = (search: URLSearchParams): ReadonlyArray<Buffer> => {
  const after = Date.parse(search.get("started_after") ?? "2000-01-01T00:00:00Z")
  const before = Date.parse(search.get("started_before") ?? "2100-01-01T00:00:00Z")
  const within = (n: number) => Math.max(0, Math.min(sessions, n))
  const oldest = within(Math.ceil((after - first) / apart))
  const newest = within(Math.floor((before - first) / apart) + 1)
  const size = Math.min(largestPage, Number(search.get("page_size") ?? 20))
  const skip = (Number(search.get("page") ?? 1) - 1) * size
  if (search.get("sort_order") !== "asc") {
    const end = sessions - oldest
    const from = Math.min(end, sessions - newest + skip)
    return from < end ? [head, between(from, Math.min(end, from + size)), tail] : [head, tail]
  }
  const rows: Array<Buffer> = []
  for (let n = oldest + skip; n < Math.min(newest, oldest + skip + size); n++) {
    if (rows.length > 0) rows.push(Buffer.from(","))
    rows.push(between(sessions - 1 - n, sessions - n))
  }
  return [head, ...rows, tail]
}

let served = 0
const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://127.0.0.1")
  if (url.pathname === "/served") {
    response.end(String(served))
    served = 0
    return
  }
  served++
  const send = () => {
    if (request.headers["x-api-key"] === undefined) {
      response.writeHead(401, { "content-type": "application/json" })
      response.end('{"code":16,"message":"API key is missing or invalid","details":[]}')
      return
    }
    Answer.send(response, 200, answer(url.searchParams))
  }
  if (latency > 0) setTimeout(send, latency)
  else send()
})

Answer.listen(server)
