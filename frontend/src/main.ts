import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/canvas.css";
import "./styles/flashlight.css";
import "./styles/film.css";
import "./styles/classification.css";
import "./styles/compare.css";
import "./styles/spectrum.css";
import { App } from "./shell/app.ts";
import { views } from "./shell/views.ts";

void new App(views).start();
