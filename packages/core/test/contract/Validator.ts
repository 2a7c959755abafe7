/** What the contract's document says of requests and responses, by a validator that shares no code with this project. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import formats from "ajv-formats"
import { OpenAPIBackend, type OpenAPIValidator } from "openapi-backend"
import type { OpenAPIV3 } from "openapi-types"

export interface Exchange {
  readonly url: string
  readonly status: number
  /** Empty where both the request and the response are as the document says. */
  readonly wrong: ReadonlyArray<string>
}

export interface Validator {
  /** What is wrong with a request and its response. */
  readonly exchange: (request: Sent, response: Received) => Exchange
}

interface Sent {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string | undefined>>
}

interface Received {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

const operation = "listCallSessions"

const errorsOf = (of: string, { errors }: ReturnType<OpenAPIValidator["validateRequest"]>): ReadonlyArray<string> =>
  (errors ?? []).map(
    ({ instancePath, message = "", params }) => `${of}${instancePath} ${message} ${JSON.stringify(params)}`
  )

/** Refuses a document that is no OpenAPI. */
export const make = async (document: OpenAPIV3.Document): Promise<Validator> => {
  const api = new OpenAPIBackend({
    // It resolves the references in the document itself.
    definition: structuredClone(document),
    strict: true,
    customizeAjv: (ajv) => formats.default(ajv)
  })
  await api.init()
  const { validator } = api
  const responseOf = ({ body, contentType, status }: Received): ReadonlyArray<string> => {
    const documented = api.document.paths?.[Object.keys(document.paths ?? {})[0] ?? ""]?.get?.responses?.[status]
    if (documented === undefined || "$ref" in documented) return [`the status ${status} is not documented`]
    const [type = ""] = contentType.split(";")
    if (documented.content?.[type] === undefined) return [`${type} is not documented for the status ${status}`]
    if (type !== "application/json") return []
    return errorsOf("response", validator.validateResponse(JSON.parse(body), operation, status))
  }
  return {
    exchange: ({ headers, method, url }, response) => {
      const request = {
        method,
        path: url.pathname,
        query: url.search.slice(1),
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value ?? ""]))
      }
      const unsigned = headers["x-api-key"] === undefined ? ["the request has no X-Api-Key"] : []
      const found = api.matchOperation(request)
      const wrong =
        found === undefined
          ? ["no operation of the document is asked for"]
          : errorsOf("request", validator.validateRequest(request, found))
      return { url: url.href, status: response.status, wrong: [...unsigned, ...wrong, ...responseOf(response)] }
    }
  }
}

/** The same client, whose every request and response is validated. */
export const observe = (validator: Validator, client: HttpClient.HttpClient, seen: Array<Exchange>) =>
  HttpClient.transform(client, (answer, request) =>
    Effect.tap(answer, (response) =>
      Effect.map(response.text, (body) => {
        const url = new URL(request.url)
        for (const [name, value] of request.urlParams.params) {
          url.searchParams.append(name, typeof value === "string" ? value : Redacted.value(value))
        }
        seen.push(
          validator.exchange(
            { method: request.method, url, headers: request.headers },
            { status: response.status, contentType: response.headers["content-type"] ?? "", body }
          )
        )
      })
    )
  )
