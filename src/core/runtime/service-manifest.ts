import type { ResourceLimits, ServiceRunner } from "#interface/runtime.ts";

/** How the health of a service is asked for. */
export interface HealthManifest {
  /** Path that answers a GET with a status below 400 while all is well. */
  readonly path?: string;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
}

/** Which toolchain makes a service run; `none`: it is started as it is. */
export const serviceLanguages = ["javascript", "go", "python", "none"] as const;
export type ServiceLanguage = (typeof serviceLanguages)[number];

/** `micro.json`: what cannot be guessed of a service, checked. Flags go before it. */
export interface ServiceManifest {
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly entrypoint?: string;
  /** Commands, each as words, run one after the other. */
  readonly build?: readonly (readonly string[])[];
  /** Environment of the build, and of nothing else. */
  readonly buildEnv?: Readonly<Record<string, string>>;
  /** Whether packages may run their install scripts. @default false: an update of a package must not run a stranger's code here */
  readonly installScripts?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly instances?: number;
  readonly language?: ServiceLanguage;
  readonly runner?: ServiceRunner;
  /** Where a service that knows nothing of Micro listens. @default a free one, told as PORT */
  readonly port?: number;
  /** Path of its OpenAPI document. @default the usual ones */
  readonly openapi?: string;
  readonly health?: HealthManifest;
  readonly resources?: ResourceLimits;
}

export const manifestFileName = "micro.json";
