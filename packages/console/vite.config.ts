import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  base: "/console/",
  plugins: [react()],
  // Everything is a file of its own: the policy allows no inline script, and data: only for pictures.
  build: { target: "es2024", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
