<?php
// Sends the forms that it is asked for as PHP writes them with its curl extension, Guzzle or Symfony's Mime; see write.py.
use GuzzleHttp\Psr7\MultipartStream;
use Symfony\Component\Mime\Part\{DataPart, Multipart\FormDataPart};

function by_curl(string $url, ?string $name, string $content): void
{
    $file = $name === null ? [] : ['file' => new CURLStringFile($content, $name, 'audio/mpeg')];
    $call = curl_init($url);
    curl_setopt_array($call, [CURLOPT_POSTFIELDS => ['model' => 'good-1'] + $file, CURLOPT_RETURNTRANSFER => true]);
    curl_exec($call);
}

function by_guzzle(string $url, ?string $name, string $content): void
{
    require_once 'GuzzleHttp/Psr7/autoload.php';
    $file = ['name' => 'file', 'contents' => $content, 'filename' => $name, 'headers' => ['Content-Type' => 'audio/mpeg']];
    $form = new MultipartStream([['name' => 'model', 'contents' => 'good-1'], ...($name === null ? [] : [$file])]);
    post($url, "multipart/form-data; boundary={$form->getBoundary()}", (string) $form);
}

function by_symfony(string $url, ?string $name, string $content): void
{
    require_once 'Symfony/Component/Mime/autoload.php';
    $file = $name === null ? [] : ['file' => new DataPart($content, $name, 'audio/mpeg')];
    $form = new FormDataPart(['model' => 'good-1'] + $file);
    post($url, $form->getPreparedHeaders()->get('Content-Type')->getBodyAsString(), $form->bodyToString());
}

function post(string $url, string $type, string $form): void
{
    $request = ['method' => 'POST', 'header' => "Content-Type: $type", 'content' => $form];
    file_get_contents($url, false, stream_context_create(['http' => $request]));
}

[, $url, $writer] = $argv;
foreach (array_chunk(array_slice($argv, 3), 2) as [$name, $content]) {
    "by_$writer"($url, $name === '-' ? null : substr($name, 1), $content);
}
