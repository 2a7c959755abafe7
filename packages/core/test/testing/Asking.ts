import * as Effect from "effect/Effect"
import type { AgniSimulator } from "../../src/testing/AgniSimulator.ts"
import { endpointPath } from "../../src/testing/AgniSimulator.ts"

export type Params = Readonly<Record<string, string | number>>

export interface Shown {
  readonly id: string
  readonly agentId: string
  readonly callerNumber: string | null
  readonly callerName: string | null
  readonly channel: string
  readonly status: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly createdAt: string
  readonly durationSec: number | null
  readonly costTotal: string | null
  readonly recordingUrl: string | null
  readonly summary: string | null
}

interface Envelope {
  readonly data: { readonly callSessions: ReadonlyArray<Shown> }
}

export const url = `https://api.ravan.ai${endpointPath}`

/** One request with the right key. */
export const get = (simulator: AgniSimulator, params: Params = {}, headers: Readonly<Record<string, string>> = {}) =>
  simulator.httpClient.get(url, {
    urlParams: Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)])),
    headers: { "x-api-key": simulator.apiKey, ...headers }
  })

export const text = (simulator: AgniSimulator, params: Params = {}, headers: Readonly<Record<string, string>> = {}) =>
  Effect.flatMap(get(simulator, params, headers), (response) => response.text)

/** The records of one page. */
export const list = (simulator: AgniSimulator, params: Params = {}) =>
  Effect.map(text(simulator, params), (body): ReadonlyArray<Shown> => {
    const envelope: Envelope = JSON.parse(body)
    return envelope.data.callSessions
  })

/** The ids of one page. */
export const ids = (simulator: AgniSimulator, params: Params = {}) =>
  Effect.map(list(simulator, params), (records) => records.map((record) => record.id))

/** The ids of a plain walk over the pages, repeats included. */
export const walk = Effect.fnUntraced(function* (simulator: AgniSimulator, params: Params = {}, pageSize = 20) {
  const all: Array<string> = []
  for (let page = 1; page <= 1000; page++) {
    const found = yield* ids(simulator, { ...params, page, page_size: pageSize })
    if (found.length === 0) break
    all.push(...found)
  }
  return all
})

/** µs of a timestamp as the simulator writes it by default. */
export const micros = (at: string | null): number =>
  at === null ? NaN : Date.parse(`${at.slice(0, 19)}Z`) * 1000 + Number(at.slice(20, 26))

export const iso = (at: number): string =>
  `${new Date(Math.floor(at / 1000)).toISOString().slice(0, 19)}.${String(at % 1e6).padStart(6, "0")}Z`
