import * as WebhookAddress from "@callstream/core/sink/WebhookAddress"
import { WebhookTransport } from "@callstream/core/sink/WebhookTransport"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"

const kinds: Readonly<Record<WebhookAddress.Kind, ReadonlyArray<string>>> = {
  public: [
    "1.1.1.1",
    "8.8.8.8",
    "172.15.255.255",
    "172.32.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "169.253.255.255",
    "192.167.255.255",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450::1",
    "64:ff9b::8.8.8.8",
    "::ffff:8.8.8.8"
  ],
  private: [
    "127.0.0.1",
    "127.255.255.255",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.2.1",
    "198.19.0.1",
    "::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2001::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::10.0.0.1"
  ],
  unusable: ["0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "ff02::1", "::ffff:0.0.0.0"]
}

const address = NetAddress.ipFromStringUnsafe

describe("WebhookAddress", () => {
  it.each(Object.entries(kinds).flatMap(([kind, texts]) => texts.map((text) => [text, kind] as const)))(
    "%s is %s",
    (text, kind) => {
      assert.strictEqual(WebhookAddress.kindOf(address(text)), kind)
    }
  )

  it("refuses a host for one address among several", () => {
    const https = new URL("https://hooks.example.com")
    const of = (url: URL, allow: boolean, ...texts: ReadonlyArray<string>) =>
      WebhookAddress.refusal(url, texts.map(address), allow)
    assert.isUndefined(of(https, false, "8.8.8.8", "2606:4700::1"))
    assert.isString(of(https, false, "8.8.8.8", "10.0.0.1"))
    assert.isUndefined(of(https, true, "8.8.8.8", "10.0.0.1"))
    assert.isString(of(https, true, "8.8.8.8", "0.0.0.0"))
    const http = new URL("http://hooks.example.com")
    assert.isUndefined(of(http, true, "127.0.0.1", "::1"))
    assert.isString(of(http, true, "8.8.8.8"))
    assert.isString(of(http, false, "127.0.0.1"))
  })

  it.effect.each([
    "http://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f.0.0.1/",
    "https://017700000001/",
    "https://localhost/",
    "https://a.localhost/",
    "https://[::1]/",
    "https://[::ffff:7f00:1]/",
    "https://169.254.169.254/latest/meta-data",
    "https://０/",
    "https://[fd00::1]/"
  ])("a plain client is not let to %s", (url) =>
    Effect.gen(function* () {
      const transport = yield* WebhookTransport
      const connect = (allowPrivateHosts: boolean) =>
        Effect.result(Effect.scoped(transport.connect({ url: new URL(url), allowPrivateHosts, connections: 1 })))
      const refused = yield* connect(false)
      assert.strictEqual(refused._tag, "Failure")
      const allowed = yield* connect(true)
      assert.strictEqual(allowed._tag, new URL(url).hostname === "0.0.0.0" ? "Failure" : "Success")
    }).pipe(
      Effect.provide(
        Layer.provide(
          WebhookTransport.layerHttpClient,
          Layer.succeed(
            HttpClient.HttpClient,
            HttpClient.make(() => Effect.die("sent"))
          )
        )
      )
    )
  )
})
