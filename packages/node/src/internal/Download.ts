/**
 * GET requests of a dispatcher, with bodies that are made for one reader. undici's own body is a stream that keeps its pieces,
 * and joins them in memory that it clears first. A body whose length is declared is here copied once, into its place.
 */
import type * as Undici from "@effect/platform-node/Undici"
import { Readable } from "node:stream"
import * as Consumers from "node:stream/consumers"

/** A longer body comes as a stream, so that its reader decides how fast. */
export const wholeAtMost = 4 * 1024 * 1024

/** The length of a body that is kept whole. The transport itself ends a connection that brings more or less. */
const declared = (method: string, headers: Readonly<Record<string, unknown>>): number | undefined => {
  const length = headers["content-length"]
  return method === "GET" && typeof length === "string" && /^\d{1,7}$/.test(length) && Number(length) <= wholeAtMost
    ? Number(length)
    : undefined
}

interface Waiting {
  readonly resolve: (body: ArrayBuffer) => void
  readonly reject: (error: Error) => void
}

class Body extends Readable {
  private readonly controller: Undici.Dispatcher.DispatchController
  private whole: Uint8Array<ArrayBuffer> | undefined
  private filled = 0
  private ended = false
  private streams = false
  private waiting: Waiting | undefined

  constructor(controller: Undici.Dispatcher.DispatchController, length: number | undefined) {
    super()
    this.controller = controller
    this.whole = length === undefined ? undefined : new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
  }

  receive(chunk: Buffer): void {
    if (this.whole === undefined) {
      if (!this.push(chunk)) this.controller.pause()
      return
    }
    this.whole.set(chunk, this.filled)
    this.filled += chunk.length
  }

  end(): void {
    this.ended = true
    if (this.whole === undefined) {
      this.push(null)
      return
    }
    // Some statuses declare a length and have no body: what nobody filled must not be seen.
    if (this.filled < this.whole.length) this.whole = this.whole.slice(0, this.filled)
    if (this.waiting !== undefined) this.waiting.resolve(this.whole.buffer)
    else if (this.streams) this.pushWhole(this.whole)
  }

  fail(error: Error): void {
    if (this.waiting === undefined) this.destroy(error)
    else this.waiting.reject(error)
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    const { whole } = this
    if (whole === undefined || this.streams || this.destroyed) return Consumers.arrayBuffer(this)
    if (this.ended) return Promise.resolve(whole.buffer)
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject }
    })
  }

  override _read(): void {
    this.streams = true
    if (this.whole === undefined) this.controller.resume()
    else if (this.ended) this.pushWhole(this.whole)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.ended) this.controller.abort(error ?? new Error("the body of the response was not read to its end"))
    callback(error)
  }

  private pushWhole(whole: Uint8Array): void {
    this.push(whole)
    this.push(null)
  }
}

type Options = Parameters<Undici.Dispatcher["request"]>[0]

interface Response {
  readonly statusCode: number
  readonly headers: Parameters<NonNullable<Undici.Dispatcher.DispatchHandler["onResponseStart"]>>[2]
  readonly body: Body
}

/** Options of a request that calls this when it is written to its connection. */
export const calling = (
  onSent: () => void
): Partial<Undici.Dispatcher.RequestOptions> & { readonly onSent: () => void } => ({ onSent })

const get = (dispatcher: Undici.Dispatcher, options: Options): Promise<Response> =>
  new Promise((resolve, reject) => {
    const { signal, ...others } = options
    const onSent: unknown = Reflect.get(options, "onSent")
    let controller: Undici.Dispatcher.DispatchController | undefined
    let body: Body | undefined
    let aborted: Error | undefined
    const abort = () => {
      aborted = new Error("the request was given up")
      controller?.abort(aborted)
    }
    const isTarget = signal instanceof AbortSignal
    if (isTarget && signal.aborted) abort()
    else if (isTarget) signal.addEventListener("abort", abort, { once: true })
    const done = () => {
      if (isTarget) signal.removeEventListener("abort", abort)
    }
    dispatcher.dispatch(others, {
      onRequestStart: (started) => {
        controller = started
        if (aborted !== undefined) started.abort(aborted)
        else if (typeof onSent === "function") onSent()
      },
      onResponseStart: (started, statusCode, headers) => {
        if (statusCode < 200) return
        body = new Body(started, declared(others.method, headers))
        resolve({ statusCode, headers, body })
      },
      onResponseData: (_, chunk) => body?.receive(chunk),
      onResponseEnd: () => {
        done()
        body?.end()
      },
      onResponseError: (_, error) => {
        done()
        if (body === undefined) reject(error)
        else body.fail(error)
      }
    })
  })

/** The same dispatcher, with such bodies. */
export const over = (dispatcher: Undici.Dispatcher): Undici.Dispatcher => {
  const request = (options: Options) =>
    options.method === "GET" && (options.body ?? null) === null ? get(dispatcher, options) : dispatcher.request(options)
  return new Proxy(dispatcher, {
    get: (target, name) => (name === "request" ? request : Reflect.get(target, name, target))
  })
}
