/** The real client over the adversary: requests as text, answers as JSON, and each retry is a request of its own. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import type { AgniError } from "@callstream/core/model/AgniError"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Server from "../client/Server.ts"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import type { Taken } from "./Adversary.ts"
import type * as Adversary from "./Adversary.ts"

const cannotRender = "cannot render"

const queryOf = ({ searchParams }: URL): CallSessionQuery => {
  const text = (name: string) => searchParams.get(name) ?? undefined
  const number = (name: string) => (searchParams.has(name) ? Number(searchParams.get(name)) : undefined)
  const order = text("sort_order")
  return {
    page: number("page"),
    pageSize: number("page_size"),
    sortBy: text("sort_by"),
    sortOrder: order === "asc" || order === "desc" ? order : undefined,
    startedAfter: text("started_after"),
    startedBefore: text("started_before")
  }
}

const replyOf = ({ found, observedAt }: Taken, request: HttpClientRequest.HttpClientRequest): Server.Answer => {
  const headers = { date: new Date(observedAt / 1000).toUTCString() }
  const failed = (status: number, message: string): Server.Reply => ({ status, headers, body: { message } })
  if (typeof found !== "string") return { headers, body: { success: true, data: { callSessions: found } } }
  switch (found) {
    case "error":
      return failed(400, "out of limits")
    case "failure":
      return failed(500, cannotRender)
    case "not found":
      return failed(404, "no such page")
    case "busy":
      return failed(503, "busy")
    case "limited":
      return { ...failed(429, "too many requests"), headers: { ...headers, "retry-after": "2" } }
    case "unsuccessful":
      return { headers, body: { success: false, message: "try again" } }
    case "cut off":
      return {
        headers,
        body: '{"success":true,"data":{"callSessions":[{"id":"',
        cutOff: Server.transportError(request, "ECONNRESET")
      }
    case "reset":
      return Effect.fail(Server.transportError(request, "ECONNRESET"))
    case "hang":
      return Effect.never
  }
}

/** So often a request is tried. */
const tries = 8

/** Whether a request failed by chance each time; a server that cannot render a row, or does not go so deep, says so. */
const isGivenUp = ({ attempts, reason }: AgniError): boolean => {
  const quote = reason._tag === "Unavailable" && reason.outage._tag === "Status" ? reason.outage.quote : undefined
  return attempts >= tries && quote !== cannotRender
}

/** With the default options, whose waits are virtual time. */
export const make = (server: Pick<Adversary.Server, "take" | "giveUp">): AgniClient["Service"] => {
  const client = Effect.runSync(
    AgniClient.make({ apiKey: Redacted.make(Server.key) }).pipe(
      Effect.provideService(
        HttpClient.HttpClient,
        HttpClient.make((request, url) =>
          Effect.flatMap(server.take(queryOf(url)), (taken) => Server.respond(request, replyOf(taken, request)))
        )
      )
    )
  )
  const list: typeof client.list = (query, options) =>
    Effect.tapError(client.list(query, options), (error) => Effect.sync(() => isGivenUp(error) && server.giveUp()))
  return { ...client, list }
}
