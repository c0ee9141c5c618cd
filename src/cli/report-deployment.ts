import { folderVersion } from "./deploy.ts";
import { printJson, printNote } from "./output/print.ts";
import type { DeployedService } from "./runtime-status.ts";

/** Says that a service was deployed, and what others call it where its code gives it another name than its deployment. */
export function reportDeployment(name: string, deployed: DeployedService | undefined, isJson: boolean): void {
  const status = deployed === undefined ? "starting" : "running";
  const service = deployed?.service ?? name;
  const isNamedApart = service !== name;
  if (isJson) printJson({ name, version: folderVersion, status, ...(isNamedApart ? { service } : {}) });
  else printNote(`${name} is ${status}${isNamedApart ? ` as service ${service}` : ""}`);
}
