/** A collector of telemetry, and what it was sent. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { IncomingHttpHeaders } from "node:http"
import { gunzipSync } from "node:zlib"
import { server } from "../Callstream.ts"

interface KeyValue {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly attributes: ReadonlyArray<KeyValue>
  readonly events: ReadonlyArray<{ readonly name: string; readonly attributes: ReadonlyArray<KeyValue> }>
  readonly status: { readonly code: number; readonly message?: string }
}

interface Data {
  readonly dataPoints: ReadonlyArray<{ readonly attributes: ReadonlyArray<KeyValue>; readonly asDouble?: number }>
  readonly isMonotonic?: boolean
}

interface Metric {
  readonly name: string
  readonly unit: string
  readonly gauge?: Data
  readonly sum?: Data
  readonly histogram?: Data
}

interface LogRecord {
  readonly body: KeyValue["value"]
  readonly severityText: string
  readonly attributes: ReadonlyArray<KeyValue>
}

interface Body {
  readonly resourceSpans?: ReadonlyArray<{
    readonly resource: { readonly attributes: ReadonlyArray<KeyValue> }
    readonly scopeSpans: ReadonlyArray<{ readonly spans: ReadonlyArray<Span> }>
  }>
  readonly resourceMetrics?: ReadonlyArray<{
    readonly scopeMetrics: ReadonlyArray<{ readonly metrics: ReadonlyArray<Metric> }>
  }>
  readonly resourceLogs?: ReadonlyArray<{
    readonly scopeLogs: ReadonlyArray<{ readonly logRecords: ReadonlyArray<LogRecord> }>
  }>
}

export interface Collected {
  readonly url: string
  /** The bodies as they came, decompressed. */
  readonly texts: ReadonlyArray<string>
  readonly headers: ReadonlyArray<IncomingHttpHeaders>
  readonly paths: ReadonlyArray<string>
  readonly spans: () => ReadonlyArray<Span>
  /** Of the last request with metrics. */
  readonly metrics: () => ReadonlyArray<Metric>
  readonly logs: () => ReadonlyArray<LogRecord>
  readonly resource: () => Readonly<Record<string, unknown>>
}

/** Attributes by name. */
export const attributesOf = (attributes: ReadonlyArray<KeyValue>): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

/** @param status What it answers. */
export const collector = Effect.fnUntraced(function* (status = 200): Effect.fn.Return<Collected, never, Scope.Scope> {
  const texts: Array<string> = []
  const headers: Array<IncomingHttpHeaders> = []
  const paths: Array<string> = []
  const { url } = yield* server((request, response) => {
    const pieces: Array<Buffer> = []
    request.on("data", (piece: Buffer) => pieces.push(piece))
    request.on("end", () => {
      const body = Buffer.concat(pieces)
      texts.push((request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body).toString())
      headers.push(request.headers)
      paths.push(request.url ?? "")
      response.writeHead(status).end()
    })
  })
  const bodies = () => texts.map((text) => JSON.parse(text) as Body)
  return {
    url,
    texts,
    headers,
    paths,
    spans: () =>
      bodies().flatMap(({ resourceSpans = [] }) =>
        resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
      ),
    metrics: () =>
      (bodies().findLast(({ resourceMetrics }) => resourceMetrics !== undefined)?.resourceMetrics ?? []).flatMap(
        ({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics)
      ),
    logs: () =>
      bodies().flatMap(({ resourceLogs = [] }) =>
        resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords))
      ),
    resource: () =>
      attributesOf(bodies().flatMap(({ resourceSpans = [] }) => resourceSpans)[0]?.resource.attributes ?? [])
  }
})
