/**
 * A real S3 server with a proxy before it, which adds what that server lacks (conditions, aborted uploads, the rules for the
 * sizes and tags of parts) and, on demand, the faults that stores have.
 */
import { randomUUID } from "node:crypto"
import * as Fs from "node:fs"
import * as Http from "node:http"
import { createRequire } from "node:module"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

interface Fake {
  readonly run: () => Promise<AddressInfo>
  readonly close: () => Promise<void>
}

type FakeServer = new (options: {
  readonly port: number
  readonly silent: boolean
  readonly directory: string
  readonly configureBuckets: ReadonlyArray<{ readonly name: string }>
}) => Fake

// It has no types.
const S3rver = createRequire(import.meta.url)("@20minutes/s3rver") as FakeServer

export const bucket = "calls"
export const keys = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" }

/** What happens to a request: `lost` is done, and the answer does not come; `again` is done once more after its answer. */
type Fault = "drop" | "lost" | "again" | "500" | "503" | "slow" | "error in 200"

export interface S3Server {
  readonly endpoint: string
  /** What a request matches, and what happens to the next so many that do. */
  readonly fault: (fault: Fault, times: number, matches?: (request: string) => boolean) => void
  readonly settings: {
    conditions: "kept" | "refused" | "ignored"
    /** How far the store's clock is ahead, in milliseconds: it refuses requests that are five minutes off. */
    clock: number
    region: string | undefined
    /** Called with each request, before anything is done with it. */
    onRequest: (line: string) => void
  }
  /** `METHOD /path?query` of each request, and its headers. */
  readonly requests: Array<{ readonly line: string; readonly headers: Http.IncomingHttpHeaders }>
  /** Uploads that are neither complete nor aborted. */
  readonly uploads: () => ReadonlyArray<string>
  readonly loseUploads: () => void
  readonly keys: () => ReadonlyArray<string>
  readonly read: (key: string) => Buffer | undefined
  readonly close: () => Promise<void>
}

const error = (code: string, more = "") =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>no</Message>${more}</Error>`

const bodyOf = async (request: Http.IncomingMessage): Promise<Buffer> => {
  const pieces: Array<Buffer> = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

/** @param partBytes The size that all parts of an upload but the last must have. */
export const start = async (partBytes: number): Promise<S3Server> => {
  const directory = Fs.mkdtempSync(join(tmpdir(), "callstream-s3-"))
  const real = new S3rver({ port: 0, silent: true, directory, configureBuckets: [{ name: bucket }] })
  const { port } = await real.run()
  const settings: S3Server["settings"] = { conditions: "kept", clock: 0, region: undefined, onRequest: () => {} }
  const requests: S3Server["requests"] = []
  const uploads = new Map<string, Map<number, { readonly size: number; readonly tag: string }>>()
  let faults: { fault: Fault; left: number; matches: (request: string) => boolean } | undefined

  const forward = (request: Http.IncomingMessage, body: Buffer) =>
    new Promise<{ status: number; headers: Http.IncomingHttpHeaders; body: Buffer }>((resolve, reject) => {
      const { headers, method, url: path } = request
      const sent = Http.request({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
        bodyOf(answer).then(
          (body) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }),
          reject
        )
      })
      sent.on("error", reject)
      sent.end(body)
    })

  const answer = async (request: Http.IncomingMessage, body: Buffer) => {
    const refused = (status: number, code: string, more?: string) => ({
      status,
      headers: {},
      body: Buffer.from(request.method === "HEAD" ? "" : error(code, more))
    })
    const url = new URL(request.url ?? "/", "http://store")
    const date = String(request.headers["x-amz-date"])
    const sent = Date.parse(date.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)/, "$1-$2-$3T$4:$5:$6"))
    const now = Date.now() + settings.clock
    if (Math.abs(sent - now) > 300_000) {
      return refused(403, "RequestTimeTooSkewed", `<ServerTime>${new Date(now).toISOString()}</ServerTime>`)
    }
    if (settings.region !== undefined && !String(request.headers.authorization).includes(`/${settings.region}/`)) {
      return refused(400, "AuthorizationHeaderMalformed", `<Region>${settings.region}</Region>`)
    }
    const key = decodeURIComponent(url.pathname.slice(`/${bucket}/`.length))
    if (request.headers["if-none-match"] !== undefined) {
      if (settings.conditions === "refused") return refused(501, "NotImplemented")
      if (settings.conditions === "kept" && list().includes(key)) return refused(412, "PreconditionFailed")
    }
    const id = url.searchParams.get("uploadId")
    const upload = id === null ? undefined : uploads.get(id)
    if (id !== null && upload === undefined) return refused(404, "NoSuchUpload")
    if (id !== null && request.method === "DELETE") {
      uploads.delete(id)
      return { status: 204, headers: {}, body: Buffer.alloc(0) }
    }
    if (id !== null && request.method === "GET") {
      // A few on each page, as a real store has a thousand.
      const from = Number(url.searchParams.get("part-number-marker") ?? 0)
      const parts = [...(upload ?? [])].filter(([number]) => number > from).toSorted(([left], [right]) => left - right)
      const page = parts.slice(0, 2).map(([number, { size, tag }]) => {
        return `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${tag}&quot;</ETag><Size>${size}</Size></Part>`
      })
      const next = `<NextPartNumberMarker>${parts[1]?.[0] ?? 0}</NextPartNumberMarker>`
      const text = `${next}<IsTruncated>${parts.length > 2}</IsTruncated>${page.join("")}`
      return { status: 200, headers: {}, body: Buffer.from(`<ListPartsResult>${text}</ListPartsResult>`) }
    }
    if (id !== null && request.method === "POST") {
      const named = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>&#34;(.*?)&#34;/g)]
      const found = named.map(([, number, tag]) => ({ part: upload?.get(Number(number)), tag }))
      if (found.some(({ part, tag }) => part?.tag !== tag)) return refused(400, "InvalidPart")
      const sizes = found.map(({ part }) => part?.size)
      if (sizes.slice(0, -1).some((size) => size !== partBytes)) return refused(400, "EntityTooSmall")
    }
    const got = await forward(request, body)
    if (id !== null && request.method === "PUT" && got.status === 200) {
      // Each time another one, as where objects are encrypted.
      const tag = randomUUID()
      upload?.set(Number(url.searchParams.get("partNumber")), { size: body.length, tag })
      return { ...got, headers: { ...got.headers, etag: `"${tag}"` } }
    }
    if (id !== null && request.method === "POST" && got.status === 200) uploads.delete(id)
    if (url.searchParams.has("uploads") && got.status === 200) {
      uploads.set(/<UploadId>(.*?)</.exec(got.body.toString())?.[1] ?? randomUUID(), new Map())
    }
    return got
  }

  const serve = async (request: Http.IncomingMessage, response: Http.ServerResponse) => {
    const body = await bodyOf(request)
    const line = `${request.method} ${decodeURIComponent(request.url ?? "")}`
    requests.push({ line, headers: { ...request.headers } })
    settings.onRequest(line)
    const due = faults !== undefined && faults.left > 0 && faults.matches(line) ? faults : undefined
    if (due !== undefined) due.left--
    if (due?.fault === "drop") return response.destroy()
    if (due?.fault === "500" || due?.fault === "503") {
      const code = due.fault === "500" ? "InternalError" : "SlowDown"
      return response.writeHead(Number(due.fault)).end(request.method === "HEAD" ? "" : error(code))
    }
    if (due?.fault === "error in 200") return response.writeHead(200).end(error("InternalError"))
    if (due?.fault === "slow") await new Promise((resolve) => setTimeout(resolve, 50))
    const { body: bytes, headers, status } = await answer(request, body)
    if (due?.fault === "again") await answer(request, body)
    if (due?.fault === "lost") return response.destroy()
    return response.writeHead(status, headers).end(bytes)
  }

  const root = join(directory, bucket)
  const suffix = "._S3rver_object"
  const list = () =>
    Fs.readdirSync(root, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(suffix) && !name.startsWith("._S3rver"))
      .map((name) => name.slice(0, -suffix.length))
      .toSorted()

  const proxy = Http.createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve))
  return {
    endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    settings,
    requests,
    fault: (fault, times, matches = () => true) => {
      faults = { fault, left: times, matches }
    },
    uploads: () => [...uploads.keys()],
    loseUploads: () => uploads.clear(),
    keys: list,
    read: (key) => {
      const path = join(root, `${key}${suffix}`)
      return Fs.existsSync(path) ? Fs.readFileSync(path) : undefined
    },
    close: async () => {
      proxy.closeAllConnections()
      await new Promise((resolve) => proxy.close(resolve))
      await real.close()
      Fs.rmSync(directory, { recursive: true, force: true })
    }
  }
}
