/**
 * The endpoint that the bench reads: a child process that serves the simulator's answers over a bare `node:http` server,
 * so that the time of both sides is the client's. Prints its address, then serves until it is ended.
 *
 * node bench/server.ts SESSIONS LATENCY_MS [CACHE: 1 to keep every answer]
 */
import { AgniSimulator } from "@callstream/core/testing"
import { createServer } from "node:http"

const sessions = Number(process.argv[2])
const latency = Number(process.argv[3])
const keep = process.argv[4] === "1"

const simulator = AgniSimulator.makeUnsafe(
  { sessions, undated: 0, keepRequests: 1, content: "varied", textCache: 400_000_000 },
  () => Date.now()
)
const answers = new Map<string, { readonly status: number; readonly body: Buffer }>()

const answer = (url: URL, headers: Readonly<Record<string, string>>) => {
  const held = answers.get(url.search)
  if (held !== undefined) return held
  const reply = simulator.handle(
    {
      method: "GET",
      origin: url.origin,
      path: url.pathname,
      search: url.search.slice(1),
      params: Object.fromEntries(url.searchParams),
      headers
    },
    Date.now()
  )
  const made = { status: reply.status, body: Buffer.from(reply.body) }
  if (keep) answers.set(url.search, made)
  return made
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
  const key = request.headers["x-api-key"]
  const send = () => {
    const { body, status } = answer(url, { "x-api-key": typeof key === "string" ? key : "" })
    response.writeHead(status, { "content-type": "application/json", "content-length": body.length })
    response.end(body)
  }
  if (latency > 0) setTimeout(send, latency)
  else send()
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (typeof address === "object" && address !== null) console.log(`http://127.0.0.1:${address.port}`)
})
