import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { applyTheme } from "./lib/theme.ts";
import "./styles/base.css";
import "./styles/frame.css";
import "./styles/parts.css";
import "./styles/views.css";
import "./styles/charts.css";
import "./styles/diff.css";
import "./styles/trace.css";
import "./styles/status.css";
import "./styles/ansi.css";

applyTheme();
const root = document.getElementById("root");
if (root === null) throw new Error("the page has no root");
createRoot(root).render(<App />);
