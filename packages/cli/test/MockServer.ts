/** What a mock server makes of the contract alone: it knows neither queries nor calls, and shares no code with the simulator. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { server } from "./Callstream.ts"

const text = "<string>"

/** The example of the contract: each text is the same, for any query. */
const literal = {
  id: text,
  agentId: text,
  organizationId: text,
  roomId: text,
  callerNumber: text,
  calleeNumber: text,
  callerName: text,
  callerEmail: text,
  channel: text,
  status: text,
  summary: text,
  metadata: {},
  errorMessage: text,
  disconnectReason: text,
  promptDynamicVariables: {},
  extractDynamicVariables: null,
  callLatencyMs: 0,
  startedAt: text,
  endedAt: text,
  durationSec: 0,
  createdAt: text,
  recordingUrl: text,
  costTotal: text,
  agentName: text,
  postCallAnalysisResult: {},
  creditBreakdown: {
    channel: text,
    duration_sec: 0,
    model_credits: 0,
    provider_credits: 0,
    provider_managed: true,
    telephony_type: text,
    total_credits: 0
  }
}

const answer = (response: ServerResponse, body: unknown): void => {
  response.setHeader("content-type", "application/json")
  response.end(JSON.stringify(body))
}

/** Always the example. */
export const ofExample = server((_: IncomingMessage, response) =>
  answer(response, { success: true, message: text, data: { callSessions: [literal] } })
)

const words =
  "lorem ipsum dolor sit amet consectetur adipisicing elit sed do eiusmod tempor incididunt ut labore".split(" ")

/** Chance that follows from a seed. */
const chanceOf = (seed: number) => {
  let state = Math.imul(seed, 2_654_435_761) >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}

export interface Random {
  readonly seed: number
  /** The share of answers that say that they succeeded. */
  readonly success: number
  /** Whether texts named after times hold one, as from a contract that names the format. */
  readonly times: boolean
  /** Whether what the contract does not require is left out at times. */
  readonly sparse: boolean
}

/** Other rows for each request, as the schema allows them. */
export const random = ({ seed, sparse, success, times }: Random) => {
  const chance = chanceOf(seed)
  const below = (most: number) => Math.floor(chance() * most)
  const some = () => Array.from({ length: 1 + below(4) }, () => words[below(words.length)]).join(" ")
  const value = (example: unknown, key: string): unknown => {
    if (example === null) return chance() < 0.5 ? null : {}
    if (typeof example === "boolean") return chance() < 0.5
    if (typeof example === "number") return below(90_000_000) - 45_000_000
    if (typeof example === "object") return made(example)
    return times && key.endsWith("At") ? new Date(below(2 ** 31) * 1000).toISOString() : some()
  }
  const made = (example: object): object =>
    Object.fromEntries(
      Object.entries(example)
        .filter(([key]) => !sparse || key === "id" || chance() < 0.9)
        .map(([key, inner]) => [key, value(inner, key)])
    )
  return server((_, response) => {
    const callSessions = Array.from({ length: 1 + below(5) }, () => made(literal))
    answer(response, { success: chance() < success, message: some(), data: { callSessions } })
  })
}
