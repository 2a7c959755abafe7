import { ProcessOwner as Service } from "@callstream/core/checkpoint/ProcessOwner"
import * as NodeProcessOwner from "@callstream/node/NodeProcessOwner"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { vi } from "vitest"

const self = Effect.runSync(
  Effect.provide(
    Service.use((service) => Effect.succeed(service.self)),
    NodeProcessOwner.layer
  )
)

const startUnknown = {
  host: self.host,
  pid: self.pid,
  ...(self.space === undefined ? {} : { space: self.space })
}

describe("NodeProcessOwner", () => {
  it("this process is alive, one that has ended is gone", () => {
    assert.strictEqual(self.pid, process.pid)
    assert.strictEqual(NodeProcessOwner.judge(self, self), "alive")
    const { pid } = spawnSync(process.execPath, ["--version"])
    assert.strictEqual(NodeProcessOwner.judge(self, { ...self, pid }), "gone")
  })

  it("a process that may not be signalled is alive", () => {
    assert.strictEqual(NodeProcessOwner.judge(self, { ...startUnknown, pid: process.ppid }), "alive")
    assert.strictEqual(NodeProcessOwner.judge(self, { ...startUnknown, pid: 1 }), "alive")
  })

  it("knows nothing of another host, machine or container, unless the machine was restarted", () => {
    const gone = { ...self, pid: spawnSync(process.execPath, ["--version"]).pid }
    const here = { ...self, machine: "a", boot: "b", space: "c" }
    const there = { ...gone, machine: "a", boot: "b", space: "c" }
    assert.strictEqual(NodeProcessOwner.judge(here, there), "gone")
    assert.strictEqual(NodeProcessOwner.judge(here, { ...there, host: "another" }), "elsewhere")
    assert.strictEqual(NodeProcessOwner.judge(here, { ...there, machine: "x" }), "elsewhere")
    assert.strictEqual(NodeProcessOwner.judge(here, { ...there, space: "x" }), "elsewhere")
    const nowhere = { host: there.host, pid: there.pid, machine: "a", boot: "b" }
    assert.strictEqual(NodeProcessOwner.judge(here, nowhere), "elsewhere")
    assert.strictEqual(NodeProcessOwner.judge(here, { ...here, boot: "x", space: "x" }), "gone")
    assert.strictEqual(NodeProcessOwner.judge(here, { ...here, machine: "x", boot: "x" }), "elsewhere")
  })

  it.skipIf(process.platform !== "linux")(
    "an id that another process has now is gone, and so is what nobody buried",
    async () => {
      assert.match(self.start ?? "", /^\d+$/)
      assert.strictEqual(NodeProcessOwner.judge(self, { ...self, start: "1" }), "gone")
      // `exec` leaves a parent that never asks how its child ended.
      const parent = spawn("sh", ["-c", "sleep 0.1 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] })
      const [chunk] = await once(parent.stdout, "data")
      const dead = { ...startUnknown, pid: Number(String(chunk)) }
      try {
        await vi.waitFor(() => assert.strictEqual(NodeProcessOwner.judge(self, dead), "gone"))
        assert.doesNotThrow(() => process.kill(dead.pid, 0))
      } finally {
        parent.kill("SIGKILL")
      }
    }
  )
})
